"""What strace's lines say that processes did with files."""

import pytest

from redoit.execution.strace import touches

SAID = {
    'openat(AT_FDCWD</p>, "a.csv", O_RDONLY|O_CLOEXEC) = 3</p/a.csv>': "opened /p/a.csv",
    'open("a.csv", O_RDONLY) = 3': "opened /p/a.csv",
    'openat(AT_FDCWD, "a.csv", O_RDWR) = 3': "opened /p/a.csv",
    'openat(5</elsewhere>, "a.csv", O_RDONLY) = 3</elsewhere/a.csv>': "opened /elsewhere/a.csv",
    'openat2(AT_FDCWD</p>, "a.csv", {flags=O_RDONLY, resolve=0}, 24) = 3</p/a.csv>': "opened /p/a.csv",
    'execve("./tool", ["./tool", "a.csv"], 0x7ffd /* 60 vars */) = 0': "opened /p/tool",
    'openat(AT_FDCWD</p>, "sub/../a.csv", O_RDONLY) = 3</p/a.csv>': "opened /p/a.csv",
    'openat(AT_FDCWD</p>, "sub", O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY) = 3</p/sub>': "listed /p/sub",
    'openat(AT_FDCWD</p>, "sub", O_RDONLY|O_PATH) = 3</p/sub>': "looked up /p/sub",
    'newfstatat(AT_FDCWD</p>, "a.csv", {st_mode=S_IFREG|0644, st_size=1, ...}, 0) = 0': "looked up /p/a.csv",
    'statx(AT_FDCWD</p>, "a.csv", AT_STATX_SYNC_AS_STAT, STATX_ALL, {stx_mask=STATX_ALL}) = 0': "looked up /p/a.csv",
    'lstat("/p/a.csv", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0': "looked up /p/a.csv",
    'access("a.csv", R_OK) = -1 EACCES (Permission denied)': "looked up /p/a.csv",
    'readlink("a.csv", 0x7ffd8e0, 1023) = -1 EINVAL (Invalid argument)': "looked up /p/a.csv",
    'readlink("link", "a.csv", 1023) = 5': "looked up /p/link",
    'faccessat2(AT_FDCWD</p>, "no", F_OK, 0) = -1 ENOENT (No such file or directory)': "looked in vain for /p/no",
    'openat(AT_FDCWD</p>, "a/no", O_RDONLY) = -1 ENOTDIR (Not a directory)': "looked in vain for /p/a/no",
    'openat(AT_FDCWD</p>, "a.csv", O_RDWR|O_CREAT|O_EXCL, 0600) = -1 EEXIST (File exists)': "looked up /p/a.csv",
    'newfstatat(3</p/a.csv>, "", {st_mode=S_IFREG|0644, st_size=1, ...}, AT_EMPTY_PATH) = 0': "",
    "openat(AT_FDCWD</p>, 0x7f5a, O_RDONLY) = -1 EFAULT (Bad address)": "",
    'openat(AT_FDCWD</p>, "a.csv", O_RDONLY) = ?': "looked up /p/a.csv",
    'openat(AT_FDCWD</p>, "a.csv", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</p/a.csv>': "",
    'chmod("a.csv", 0644) = 0': "",
    "+++ killed by SIGKILL +++": "",
    "no call": "",
}
NAMES = {
    r"we\"ird\n\t\\.txt": 'we"ird\n\t\\.txt',
    r"\303\251.txt": "é.txt",
    r"\377": "\udcff",
    r"a\0012": "a\x012",
    "a) = -1 ENOENT (b": "a) = -1 ENOENT (b",
    "<unfinished ...>": "<unfinished ...>",
    "3</x>, ": "3</x>, ",
}


def said(*lines: str) -> list[str]:
    """Return what is said of some lines, of processes that began in `/p`."""
    return [" ".join(touch) for touch in touches(lines, "/p")]


@pytest.mark.parametrize(("call", "expected"), SAID.items(), ids=SAID)
def test_what_a_call_does(call: str, expected: str) -> None:
    """Each call that can tell something of a file is read with its path, its flags and its result."""
    assert said(f"17  {call}") == ([expected] if expected else [])


@pytest.mark.parametrize(("escaped", "name"), NAMES.items(), ids=NAMES)
def test_names_are_read_as_they_were(escaped: str, name: str) -> None:
    """Quotes, line breaks, bytes of any encoding and what looks like a line's own marks are part of a name."""
    assert said(f'17  openat(AT_FDCWD</p>, "{escaped}", O_RDONLY) = 3</p/{escaped}>') == [f"opened /p/{name}"]
    folder = escaped.replace("<", r"\74").replace(">", r"\76")
    assert said(f'17  openat(5</{folder}>, "x", O_RDONLY) = 3</{folder}/x>') == [f"opened /{name}/x"]


def test_a_call_in_two_lines() -> None:
    """A call that another process interrupted is put together."""
    lines = [
        '17  openat(AT_FDCWD</p>, "a.csv", O_RDONLY <unfinished ...>',
        '18  newfstatat(AT_FDCWD</p>, "b.csv",  <unfinished ...>',
        "17  <... openat resumed>)             = 3</p/a.csv>",
        "18  <... newfstatat resumed>0x7ffd, 0) = -1 ENOENT (No such file or directory)",
    ]
    assert said(*lines) == ["opened /p/a.csv", "looked in vain for /p/b.csv"]


def test_paths_belong_to_the_folder_of_their_process() -> None:
    """A child begins where its parent was, and goes its own way; threads go together. A failed change is none."""
    lines = [
        '17  chdir("sub") = 0',
        '17  chdir("no") = -1 ENOENT (No such file or directory)',
        "17  vfork( <unfinished ...>",
        '18  open("a", O_RDONLY) = 3',
        '18  chdir("..") = 0',
        "17  <... vfork resumed>)              = 18",
        '18  open("b", O_RDONLY) = 3',
        '17  open("c", O_RDONLY) = 3',
        "17  clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, exit_signal=0}, 88) = 19",
        "19  fchdir(5</elsewhere>) = 0",
        '17  open("d", O_RDONLY) = 3',
        "17  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7fa) = 20",
        '20  open("e", O_RDONLY) = 3',
    ]
    opened = [line for line in said(*lines) if line.startswith("opened")]
    assert opened == [f"opened {path}" for path in ("/p/sub/a", "/p/b", "/p/sub/c", "/elsewhere/d", "/elsewhere/e")]


MADE = {
    "written": 'openat(AT_FDCWD</p>, "x", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</p/x>',
    "renamed": 'rename("y", "x") = 0',
    "linked": 'linkat(AT_FDCWD</p>, "y", AT_FDCWD</p>, "x", 0) = 0',
    "a symbolic link": 'symlink("y", "x") = 0',
    "a folder": 'mkdir("x", 0777) = 0',
    "removed": 'unlink("x") = 0',
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_what_a_process_made_is_left_out(made: str) -> None:
    """A file that was written, or a folder that was made, tells nothing when it is read; what was read before does."""
    read = '18  openat(AT_FDCWD</p>, "x", O_RDONLY) = 3</p/x>'
    inner = '18  newfstatat(AT_FDCWD</p>, "x/inner", 0x7ffd, 0) = -1 ENOENT (No such file or directory)'
    missing = '17  newfstatat(AT_FDCWD</p>, "x", 0x7ffd, 0) = -1 ENOENT (No such file or directory)'
    assert said(missing, f"17  {made}", read, inner) == []
    assert said(read, f"17  {made}", read) == ["opened /p/x"]
    failed = made[: made.index(" = ")] + " = -1 EROFS (Read-only file system)"
    assert "opened /p/x" in said(f"17  {failed}", read)


def test_a_file_that_was_missing_is_made_by_who_opens_it() -> None:
    """A file opened to be read, and created if need be, is made where it was looked for in vain before, else read."""
    opened = '17  openat(AT_FDCWD</p>, "x.db", O_RDWR|O_CREAT, 0644) = 3</p/x.db>'
    missing = '17  newfstatat(AT_FDCWD</p>, "x.db", 0x7ffd, 0) = -1 ENOENT (No such file or directory)'
    assert said(missing, opened) == []
    assert said(opened) == ["opened /p/x.db"]


def test_a_search_is_told_from_a_listing() -> None:
    """A folder that is listed right after its status was asked for, by the same process, is searched."""
    status = '17  newfstatat(AT_FDCWD</p>, "/p/lib", {st_mode=S_IFDIR|0755, st_size=1, ...}, 0) = 0'
    listing = '17  openat(AT_FDCWD</p>, "/p/lib", O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY) = 3</p/lib>'
    other = '18  newfstatat(AT_FDCWD</p>, "/p", {st_mode=S_IFDIR|0755, st_size=1, ...}, 0) = 0'
    assert touches([status, other, listing], "/p")[-1] == ("searched", "/p/lib")
    assert touches([status, other.replace("18", "17"), listing], "/p")[-1] == ("listed", "/p/lib")
    assert touches([status, listing.replace("17", "18")], "/p")[-1] == ("listed", "/p/lib")
