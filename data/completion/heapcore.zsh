#compdef heapcore
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of heapcore(1) for zsh. Commands, options and what they take are asked of the program itself (src/cli/options.c).

_heapcore_cores() {
	_files -g '(core|core.*|*.core|*.core.*|*.snap)(-.)' || _files
}

# Of the core (and binary) that were given. A program whose debug info takes longer to read is not completed.
_heapcore_variables() {
	local -a names
	(( $#files )) || return 1
	names=(${(f)"$(timeout 2 $program show --list-variables --quiet -- ${files[1,2]} 2>/dev/null)"})
	compadd -X variable -a names
}

_heapcore_processes() {
	local -a pids
	pids=(/proc/<->(N:t))
	compadd -X process -a pids
}

# What stands for VALUES in the list of options.
_heapcore_values() {
	local -a choices
	case $1 in
	'='*) choices=(${=1#=}); compadd -a choices ;;
	file) _files ;;
	folder) _files -/ ;;
	process) _heapcore_processes ;;
	variable) _heapcore_variables ;;
	*) _message "${2:l}" ;;
	esac
}

_heapcore_commands() {
	local -a commands
	local line
	for line in ${(f)"$($program --list-commands 2>/dev/null)"}; do
		commands+=("${line%%$'\t'*}:${line##*$'\t'}")
	done
	_describe -t commands command commands
}

# An argument, which is no option; ARGUMENTS is what the command takes.
_heapcore_argument() {
	local count=$#files
	case $1 in
	'[COMMAND]') _heapcore_commands ;;
	PID*) if (( count == 0 )); then _heapcore_processes; else _files; fi ;;
	*(EXPRESSION|PATH*)) case $count in 0) _heapcore_cores ;; 1) _heapcore_variables; _files ;; *) _heapcore_variables ;; esac ;;
	*CORE_B...*) _heapcore_cores ;;
	*) if (( count == 0 )); then _heapcore_cores; else _files; fi ;;
	esac
}

_heapcore() {
	local program=${(Q)words[1]} command arguments line name pending word
	local -a files plain_options value_options fields given
	local -A takes argument_names
	given=("${(@Q)words[2,CURRENT-1]}")
	while (( $#given )) && [[ $given[1] == -* ]]; do shift given; done
	if (( ! $#given )); then
		if [[ $PREFIX == -* ]]; then
			compadd -- --help --version
		else
			_heapcore_commands
		fi
		return
	fi
	command=$given[1]
	shift given
	for line in ${(f)"$($program --list-commands 2>/dev/null)"}; do
		fields=("${(@ps:\t:)line}")
		[[ $fields[1] != $command ]] || arguments=$fields[2]
	done
	[[ -n $arguments ]] || return 1
	for line in ${(f)"$($program $command --list-options 2>/dev/null)"}; do
		fields=("${(@ps:\t:)line}")
		name=$fields[1]
		if [[ $fields[3] == - ]]; then
			plain_options+=("$name:$fields[5]")
			continue
		fi
		value_options+=("$name:$fields[5]")
		takes[$name]=$fields[4]
		argument_names[$name]=$fields[3]
		if [[ $fields[2] != - ]]; then
			takes[-$fields[2]]=$fields[4]
			argument_names[-$fields[2]]=$fields[3]
		fi
	done
	for word in "${(@)given}"; do
		if [[ -n $pending ]]; then
			pending=
		elif [[ $word == -?* ]]; then
			(( ! ${+takes[$word]} )) || pending=$word
		else
			files+=("$word")
		fi
	done
	if [[ -n $pending ]]; then
		_heapcore_values "$takes[$pending]" "$argument_names[$pending]"
	elif [[ $PREFIX == --*=* ]]; then
		name=${PREFIX%%=*}
		compset -P '*='
		_heapcore_values "${takes[$name]}" "${argument_names[$name]}"
	elif [[ $PREFIX == -* ]]; then
		_describe -o 'option' plain_options -- value_options -S '='
	else
		_heapcore_argument "$arguments"
	fi
}

_heapcore "$@"
