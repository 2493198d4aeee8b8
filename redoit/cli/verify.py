"""`doit verify`: run stages again, and compare the bytes of their outputs."""

import os

from doit.control import TaskControl
from doit.task import Task

from redoit.cli.base import StageCommand, option
from redoit.cli.run import matching, with_members
from redoit.engine.undeclared import quoted
from redoit.errors import DeclarationError, RedoitError
from redoit.planning.audit import tracer
from redoit.planning.verify import verify
from redoit.plugin.checkout import engine
from redoit.plugin.stage_task import StageTask, stage_of
from redoit.text import first_few


class Verify(StageCommand):
    """Runs stages again in a staging folder and compares bytes. Outputs in place stay, and nothing is recorded."""

    doc_purpose = "run stages again, and compare their outputs with those in place"
    doc_usage = "[TASK ...]"
    doc_description = (
        "Each stage runs again beside its outputs, which stay as they are. A stage is reproducible if all its outputs"
        " have the same bytes. If not, the first difference is shown and the exit status is 1. Without names: all"
        " stages that are neither volatile nor impure. With --strace, what its step and all that this starts touch in"
        " the project that is neither declared nor observed is shown as well, and the exit status is 1 if there is any."
    )
    cmd_options = (
        option("strace", default=False, text="trace the step, where strace is installed: show what it touches unseen"),
    )

    def _execute(self, strace: bool, pos_args: list[str]) -> int:
        self.need_stages()
        self._tracer = tracer() if strace else ()
        tasks = TaskControl(self.task_list).tasks  # with all their dependencies
        stages = {name: stage for name, task in tasks.items() if (stage := stage_of(task))}
        reproducible = True
        for name in self._named(pos_args, tasks) if pos_args else stages:
            stage = stages[name]
            if pos_args or stage.stage.policy.restorable:
                reproducible &= self._verify(tasks[name], stage)
            else:
                self.say(f"Step {name} is not verified: it is {stage.stage.policy.words}.")
        return 0 if reproducible else 1

    def _named(self, patterns: list[str], tasks: dict[str, Task]) -> list[str]:
        """Return the stages that patterns name, each once. Raises: DeclarationError on a pattern that names none."""
        named = []
        for pattern in patterns:
            if pattern.startswith("-"):
                todo = f"say: doit verify {pattern} ..."
                raise DeclarationError(pattern, "found behind a task, expected before", todo)
            stages = [name for name in with_members(matching([pattern], tasks), tasks) if stage_of(tasks[name])]
            if not stages:
                raise DeclarationError(pattern, "found an ordinary task, expected a stage", "leave it out")
            named += stages
        return list(dict.fromkeys(named))

    def _verify(self, task: Task, stage: StageTask) -> bool:
        """Verify one stage and show the result; return whether it is reproducible."""
        try:
            differences, undeclared, seconds = verify(
                engine(), stage.stage, stage.settings(task), stage.time_limit(task), self._tracer
            )
        except DeclarationError:
            raise
        except RedoitError as error:
            self.outstream.write(getattr(error, "traceback", ""))
            self.say(f"Step {task.name} can't be verified. {error}")
            return False
        outputs = stage.stage.outputs
        if not differences:
            self.say(f"Step {task.name} is reproducible ({', '.join(outputs.values())}; {seconds:.3f}s).")
        for role, difference in differences.items():
            self.say(f"Step {task.name} is not reproducible: {outputs[role]} differs {difference}.")
        for verb, paths in undeclared.items():
            which, them = ("which are", "them") if len(paths) > 1 else ("which is", "it")
            todo = f"; declare {them} with uses=[{quoted(paths)}]" if all(map(os.path.isfile, paths)) else ""
            self.say(f"Step {task.name} {verb} {first_few(paths)}, {which} neither declared nor observed{todo}.")
        if self._tracer and not undeclared:
            self.say(f"Step {task.name} touched nothing that is neither declared nor observed.")
        return not (differences or undeclared)
