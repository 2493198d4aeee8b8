# Completion of doit in bash. Switch it on in ~/.bashrc: eval "$(doit tabcompletion)"

_doit_complete() {
    local line="${COMP_LINE:0:COMP_POINT}" word cut="" breaks="" value text
    # bash takes `:` and `=` for the ends of words, and inserts only what follows the last of them.
    word="${line##*[[:space:]]}"
    [[ "$COMP_WORDBREAKS" == *:* ]] && breaks+=":"
    [[ "$COMP_WORDBREAKS" == *=* ]] && breaks+="="
    [[ -n "$breaks" && "$word" == *["$breaks"]* ]] && cut="${word%"${word##*["$breaks"]}"}"
    COMPREPLY=()
    while IFS=$'\t' read -r value text; do
        if [[ "$value" == "=files" ]]; then
            compopt -o filenames 2>/dev/null  # which older ones lack
            while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${word##*[=]}")
            continue
        fi
        [[ "$value" == *[=/] ]] && compopt -o nospace 2>/dev/null
        value="${value#"$cut"}"
        [[ "$value" == *[!A-Za-z0-9_.,:=/@%+-]* ]] && printf -v value %q "$value"
        COMPREPLY+=("$value")
    done < <(_REDOIT_COMPLETE="$line" "$1" tabcompletion 2>/dev/null </dev/null)
}

complete -F _doit_complete doit
