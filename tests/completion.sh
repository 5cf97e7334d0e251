#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What bash completes behind filterctl, asked as bash asks. usage: completion.sh FILE FILTERCTL
set -euo pipefail
# shellcheck source=packaging/filterctl.bash-completion
. "$1"
filterctl=$(readlink -f "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
touch a.minisig one.order 'two words.order' other.txt a.pcap b.pcapng c.image d.conf
mkdir sub
failed=0

# expect "EXPECTED" WORD...: completing the last word gives these, sorted and parted by `|`.
expect() {
	local wanted=$1 got
	shift
	COMP_WORDS=("$filterctl" "$@") COMP_CWORD=$#
	COMPREPLY=()
	_filterctl
	got=$( ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | paste -sd '|')
	[[ $got == "$wanted" ]] || {
		echo "$*: '$got' instead of '$wanted'"
		failed=1
	}
}

[[ $(complete -p filterctl) == "complete -F _filterctl filterctl" ]] || failed=1
expect '--help|--version|audit|check|compile|confirm-clock|doctor|export|extend|lift|metrics|names|orders|preview|push|replay|rollback|serials|status|top|upgrade|watch' ''
expect 'check|compile|confirm-clock' c
expect 'status' st
expect '--help' nonsense --
expect '--config|--help|--json|--max-lifetime|--orders|--verbose' compile --
expect '--config|--help|--json|--max-lifetime|--orders|--verbose|-o' compile -
expect '--control|--help|--json' status --
expect '--control|--help|--json' doctor --
expect '--at|--client|--config|--control|--help|--json|--max-lifetime|--orders' check --
expect '--at|--client|--config|--control|--format|--help|--max-lifetime|--orders|--serial|--zone|-o' export -
expect 'dnsmasq|domains|hosts|json|rpz|unbound' export --format ''
expect 'dnsmasq|domains' export --format d
expect 'one.order|other.txt' export -o o
expect '' export --zone ''
expect '--at|--checksums|--config|--help|--max-lifetime|--orders|-a|-c|-r' replay -
expect '--orders' check --o
expect '--at|--config|--control|--help|--json|--max-lifetime|--orders' orders -
expect 'c.image|one.order|sub|two words.order' check --orders ''
expect 'one.order' check --orders on
expect 'c.image|sub' compile -o ''
expect 'one.order|sub|two words.order' push ''
expect 'clients' top c
expect '--all|--break-glass|--config|--control|--dry-run|--fresh|--help|--hours|--json|--manifest|--max-lifetime|--note|--prepare|--serial|--signature|--yes' push --
expect 'a.pcap|b.pcapng|sub' names ''
expect 'a.pcap' replay --orders one.order a
expect '' check --client ''
expect '--at|--config|--help|--json|--live|--max-lifetime|--seconds' preview -
expect 'a.pcap|b.pcapng|one.order|sub|two words.order' preview ''
expect 'lo' preview one.order --live lo
expect '' check 8ch
expect 'one.order|other.txt' status --control o
expect 'd.conf|sub' check --config ''
expect '--control|--file|--head|--help|--json|--order|--since' audit -
expect 'one.order|other.txt' audit --file o
expect 'a.minisig|sub' lift --signature ''

# Ids come from a daemon; here from a program that shows how it was asked.
printf '#!/bin/sh\necho "{\\"orders\\":[{\\"id\\":\\"a-1\\"},{\\"id\\":\\"b-2\\"}]}"; echo "$*" >asked\n' >stub
chmod +x stub
filterctl=$folder/stub
expect 'a-1|b-2' lift ''
expect 'b-2' extend --control c.sock b
[[ $(cat asked) == 'orders --json --control c.sock' ]] || failed=1
expect 'a-1' watch --order a
exit "$failed"
