# Completion of doit in fish. Switch it on in ~/.config/fish/config.fish: doit tabcompletion -s fish | source

function __doit_complete
    set -l line (commandline -cp | string collect)
    for each in (env _REDOIT_COMPLETE="$line" doit tabcompletion 2>/dev/null </dev/null)
        if string match -q '=files*' -- $each
            set -l word (commandline -ct)
            set -l before (string match -r '^.*=' -- $word)
            string replace -r '^' "$before" -- (__fish_complete_path (string replace -r '^.*=' '' -- $word))
        else
            echo $each
        end
    end
end

complete -c doit -f -a '(__doit_complete)'
