#!/bin/sh
# Put the newest age that Debian has (it knows post-quantum recipients; bookworm's does not) into .tools/age, for the
# interoperability tests. Uses a package list of its own; nothing is installed, and no setting of the machine changes.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$root/.tools/age"
# The mirror that this machine uses, with the release changed.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null |
    sed -n 's/^URIs: *//p; s/^deb  *\([a-z]*:[^ ]*\) .*/\1/p' | head -n 1)
echo "deb $mirror sid main" >"$work/sources"
options="-qq -o Dir::Etc::sourcelist=$work/sources -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache -o Acquire::Languages=none -o APT::Sandbox::User=root"
cd "$work"
# shellcheck disable=SC2086
apt-get $options update
# shellcheck disable=SC2086
apt-get $options download age
dpkg -x age_*.deb "$root/.tools/age"
"$root/.tools/age/usr/bin/age" --version
