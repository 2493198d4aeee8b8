#compdef doit
# Completion of doit in zsh. Switch it on in ~/.zshrc, after compinit: eval "$(doit tabcompletion -s zsh)"

_doit() {
    local line value text files=0
    local -a open closed
    for line in ${(f)"$(_REDOIT_COMPLETE="${(j: :)words[1,CURRENT-1]} $PREFIX" ${(Q)words[1]} tabcompletion 2>/dev/null </dev/null)"}; do
        value=${line%%$'\t'*} text=${line#*$'\t'}
        case $value in
            ('=files') files=1 ;;
            (*[=/]) open+=("${value//:/\\:}:$text") ;;
            (*) closed+=("${value//:/\\:}:$text") ;;
        esac
    done
    (( $#open )) && _describe -t open doit open -S ''
    (( $#closed )) && _describe -t closed doit closed
    (( files )) && { compset -P '*='; _files }
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _doit "$@"
else
    compdef _doit doit
fi
