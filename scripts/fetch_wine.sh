#!/bin/bash
# fetch_wine.sh: what the tests need for a throw-away "Windows machine" out of Wine, for servers of their own to reach
# over SSH, the browser that looks at the console, and the shells that complete commands. Installs the Debian packages that
# are missing (as root, or with a sudo that asks for no password), then has tests/lab/wine/build.py make the machine that every test copies, and prints
# the folder that holds it.
#
# Nothing that is installed is started: the tests run their own sshd on loopback and never touch that of this machine.
# PYTHON names the Python to use (3.11 or newer; its own library is enough).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(wine wine64 msitools wixl gcab gcc-mingw-w64-x86-64 openssh-server chromium fonts-dejavu-core zsh fish)

say() { echo "fetch_wine: $*" >&2; }
fail() { say "$*"; exit 1; }

missing=()
for one in "${packages[@]}"; do
  dpkg-query -W -f='${Status}\n' "$one" 2> /dev/null | grep -q 'ok installed' || missing+=("$one")
done

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

if [ ${#missing[@]} -gt 0 ]; then
  how="install it by hand: apt-get install --no-install-recommends ${missing[*]}"
  command -v apt-get > /dev/null || fail "there is no apt-get here to get ${missing[*]} with; the tests need Debian, or $how"
  as_root true 2> /dev/null || fail "this account is not root and has no sudo without a password; $how"
  say "installing ${missing[*]}"
  # No service of these packages shall start by itself.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy > /dev/null
    as_root chmod 755 $policy
  fi
  # Whoever else wants fresh package lists at the same time (fetch_postgres.sh) waits for this lock too.
  exec 8> "/var/tmp/handrail-apt-$(id -u).lock"
  log=$(mktemp)
  install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y \
      --no-install-recommends "${missing[@]}" < /dev/null > "$log" 2>&1
  }
  flock 8
  if ! install; then
    as_root apt-get -qq update < /dev/null >> "$log" 2>&1 || true
    install || fail "apt-get could not install ${missing[*]}: $(grep -E '^E:' "$log" | tail -1)"
  fi
  flock -u 8
  rm -f "$log"
fi

"${PYTHON:-python3}" tests/lab/wine/build.py
