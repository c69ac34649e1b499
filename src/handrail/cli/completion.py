"""`completion`: a script for a shell, which asks us what may stand next; and the answers, in that shell's way."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from handrail.cli.output import Output
from handrail.reporting.text import harmless

SCRIPTS: Mapping[str, str] = {
    "bash": r"""
# handrail: completion for bash. Put this into ~/.bashrc:  eval "$(handrail completion bash)"
_handrail() {
    local line current="${COMP_WORDS[COMP_CWORD]}" file
    COMPREPLY=()
    while IFS= read -r line; do
        case "$line" in
            '!files')
                compopt -o filenames 2>/dev/null
                while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$current") ;;
            '!folders')
                compopt -o filenames 2>/dev/null
                while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -d -- "$current") ;;
            *)
                COMPREPLY+=("$line") ;;
        esac
    done < <("$1" completion bash -- "${COMP_LINE:0:COMP_POINT}" "$current" 2>/dev/null)
    if [ "${#COMPREPLY[@]}" -eq 1 ]; then
        case "${COMPREPLY[0]}" in *: | *=) compopt -o nospace 2>/dev/null ;; esac
    fi
}
complete -F _handrail handrail
""",
    "zsh": r"""
#compdef handrail
# handrail: completion for zsh. Put this into ~/.zshrc, after compinit:  eval "$(handrail completion zsh)"
_handrail() {
    local line
    local -a lines described
    lines=("${(@f)$("${words[1]}" completion zsh -- "${(@Q)words[1,CURRENT]}" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        case "$line" in
            '') ;;
            '!files') _files ;;
            '!folders') _path_files -/ ;;
            *) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( ${#described} )) && _describe -V handrail described
}
if [ "${funcstack[1]}" = _handrail ]; then _handrail "$@"; else compdef _handrail handrail; fi
""",
    "fish": r"""
# handrail: completion for fish. Put this into ~/.config/fish/config.fish:  handrail completion fish | source
function __handrail_complete
    set -l before (commandline -opc)
    set -l current (string unescape -- (commandline -ct))
    $before[1] completion fish -- $before "$current" 2>/dev/null | while read -l line
        switch $line
            case '!files'
                __fish_complete_path "$current"
            case '!folders'
                for one in (__fish_complete_directories "$current")
                    test (string split -m 1 \t -- "$one")[1] != "$current"; and printf '%s\n' "$one"
                end
            case '*'
                printf '%s\n' $line
        end
    end
end
complete --command handrail --no-files --keep-order --arguments '(__handrail_complete)'
""",
}


def completion(output: Output, shell: str, words: Sequence[str]) -> int:
    """Print the script; or, for the script, what may stand next on the line that `words` are."""
    if not words:
        output.line(SCRIPTS[shell].strip())
        return 0
    from handrail.cli.completing import complete

    cut = 0
    if shell == "bash":
        line, current = words[0], words[-1]
        words = words_of(line)
        cut = len(words[-1]) - len(current) if words[-1].endswith(current) else 0
    for offer in complete(words, os.environ):
        text = offer.text
        if not text.isprintable():
            continue
        if text.startswith("!"):
            output.line(text)
        elif shell == "bash":
            output.line(text[cut:])
        else:
            output.line(f"{text}\t{harmless(offer.says)}")
    return 0


def words_of(line: str) -> list[str]:
    """The words of a command line that may stop within quotes. bash itself breaks words at @, : and =; we do not."""
    for closing in ("", "'", '"', "\\"):
        try:
            found = shlex.split(line + closing)
        except ValueError:
            continue
        return found if found and not (line[-1:].isspace() and not closing) else [*found, ""]
    return [*line.split(), ""]
