# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of heapcore(1) for bash. Commands, options and what they take are asked of the program itself (src/cli/options.c).

# Those of WORDS that begin with the word. (compgen -W would expand them, as a shell does.)
_heapcore_words() {
	local list=() one
	read -r -d '' -a list <<<"$1"
	for one in "${list[@]}"; do
		[[ $one != "$cur"* ]] || COMPREPLY+=("$one")
	done
}

_heapcore_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen "$@" -- "$cur")
}

# Cores, captures' folders and snapshots by their names; where none is called so, all files.
_heapcore_cores() {
	local name names=()
	mapfile -t names < <(compgen -f -- "$cur")
	compopt -o filenames 2>/dev/null
	for name in "${names[@]}"; do
		case ${name##*/} in
		core | core.* | *.core | *.core.* | *.snap) COMPREPLY+=("$name") ;;
		*) [ ! -d "$name" ] || COMPREPLY+=("$name") ;;
		esac
	done
	[ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=("${names[@]}")
}

_heapcore_processes() {
	local folder
	for folder in /proc/[0-9]*; do
		[[ ${folder##*/} != "$cur"* ]] || COMPREPLY+=("${folder##*/}")
	done
}

# Of the core (and binary) that were given. A program whose debug info takes longer to read is not completed.
_heapcore_variables() {
	[ ${#files[@]} -gt 0 ] || return 0
	_heapcore_words "$(timeout 2 "$program" show --list-variables --quiet -- "${files[@]:0:2}" 2>/dev/null)"
	# Where ":" ends a word for bash, what stands in front of it is there already.
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		local before=${cur%"${cur##*:}"} i
		for i in "${!COMPREPLY[@]}"; do
			COMPREPLY[i]=${COMPREPLY[i]#"$before"}
		done
	fi
}

# What stands for VALUES in the list of options.
_heapcore_values() {
	case $1 in
	=*) _heapcore_words "${1#=}" ;;
	file) _heapcore_files -f ;;
	folder) _heapcore_files -d ;;
	process) _heapcore_processes ;;
	variable) _heapcore_variables ;;
	esac
}

_heapcore() {
	local program=$1 cur='' word command='' pending='' arguments='' i
	local words=() count=0 files=() name letter argument values rest before line
	local -A takes=()
	COMPREPLY=()
	# Words as heapcore gets them: bash has cut them at "=" and ":", too.
	line=${COMP_LINE:0:COMP_POINT}
	for ((i = 0; i <= COMP_CWORD; i++)); do
		before=$line
		line=${line#"${line%%[![:space:]]*}"}
		word=${COMP_WORDS[i]}
		[ "$i" != "$COMP_CWORD" ] || word=$line
		[ "$line" = "$before" ] && [ "$count" -gt 0 ] && count=$((count - 1))
		words[count]+=$word
		count=$((count + 1))
		line=${line#"${COMP_WORDS[i]}"}
	done
	cur=${words[count - 1]}
	words=("${words[@]:1:count-2}")
	for word in "${words[@]}"; do
		if [[ $word != -* ]]; then
			command=$word
			break
		fi
	done
	if [ -z "$command" ]; then
		_heapcore_words "--help --version $("$program" --list-commands 2>/dev/null | cut -f 1)"
		return
	fi
	while IFS=$'\t' read -r name arguments rest; do
		[ "$name" != "$command" ] || break
	done < <("$program" --list-commands 2>/dev/null)
	[ "$name" = "$command" ] || return 0
	while IFS=$'\t' read -r name letter argument values rest; do
		[ "$argument" != - ] || values=none
		takes[$name]=$values
		[ "$letter" = - ] || takes[-$letter]=$values
	done < <("$program" "$command" --list-options 2>/dev/null)

	# Which arguments stand there already, and whether an option waits for what it takes.
	local seen=no
	for word in "${words[@]}"; do
		if [ "$seen" = no ]; then
			[[ $word == -* ]] || seen=yes
		elif [ -n "$pending" ]; then
			pending=
		elif [[ $word == -* && $word != - ]]; then
			[ "${takes[$word]-none}" = none ] || pending=$word
		else
			word=${word/#\~\//$HOME/}
			files+=("${word//\\/}")
		fi
	done
	if [ -n "$pending" ]; then
		_heapcore_values "${takes[$pending]}"
	elif [[ $cur == --*=* ]]; then
		name=${cur%%=*}
		word=${cur#*=}
		local prefix=$name=
		[[ $COMP_WORDBREAKS == *=* ]] && prefix=
		cur=$word
		_heapcore_values "${takes[$name]-none}"
		[ -z "$prefix" ] || COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
	elif [[ $cur == -* ]]; then
		for name in "${!takes[@]}"; do
			if [[ $name != --* ]]; then
				continue
			elif [ "${takes[$name]}" = none ]; then
				_heapcore_words "$name"
			else
				_heapcore_words "$name="
			fi
		done
		[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null
	else
		_heapcore_argument
	fi
}

# An argument, which is no option.
_heapcore_argument() {
	local count=${#files[@]}
	case $arguments in
	'[COMMAND]') _heapcore_words "$("$program" --list-commands 2>/dev/null | cut -f 1)" ;;
	PID*) if [ "$count" = 0 ]; then _heapcore_processes; else _heapcore_files -f; fi ;;
	*EXPRESSION | *PATH*)
		case $count in
		0) _heapcore_cores ;;
		1)
			_heapcore_variables
			_heapcore_files -f
			;;
		*) _heapcore_variables ;;
		esac
		;;
	*CORE_B...*) _heapcore_cores ;;
	*) if [ "$count" = 0 ]; then _heapcore_cores; else _heapcore_files -f; fi ;;
	esac
}

complete -F _heapcore heapcore
