# Installs what is missing from Debian, for scripts that `source` this. They let go of services on every way
# out: `trap let_services_go EXIT`.
# shellcheck shell=bash

readonly APT_LOCK_SECONDS=300
readonly NO_SERVICES=/usr/sbin/policy-rc.d

no_services_is_ours=""

install_debian() {
  if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: see to it that the programs of these packages are there: $*"
    return
  fi
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi

  echo "Installing from Debian: ${missing[*]}"
  check_root
  hold_back_services
  apt_get update
  apt_get install -y --no-install-recommends "${missing[@]}"
  let_services_go
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt-get's hundreds of lines go to the file INSTALL_LOG alone, unless it fails. Somebody else's apt-get is waited for.
apt_get() {
  local log="$INSTALL_LOG"
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o "DPkg::Lock::Timeout=$APT_LOCK_SECONDS" "$@" >>"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "$0: apt-get $1 failed; its output is in $log" >&2
    exit 1
  fi
}

check_root() {
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "$0: installing needs root. Run this as root, install sudo, or install the packages above yourself." >&2
    exit 1
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian starts a server as soon as it is installed, unless this file says otherwise. The tests start
# their own; nobody asked for another Redis on port 6379.
hold_back_services() {
  if [ -e "$NO_SERVICES" ]; then return; fi
  no_services_is_ours=yes
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$NO_SERVICES" >/dev/null
  as_root chmod +x "$NO_SERVICES"
}

let_services_go() {
  if [ -n "$no_services_is_ours" ]; then
    as_root rm -f "$NO_SERVICES"
    no_services_is_ours=""
  fi
}
