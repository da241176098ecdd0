# Sourced by scripts that install programs from PyPI into a folder of the cache, with a name for the folder and what needs Python:
# `here` is the folder of the script. A folder that is complete, with the same versions, is printed, and the script ends; else the
# script goes on in it, alone. Where Python's venv is missing: root of Debian installs it, others are told.
versions=$(cat "$here/requirements.txt" "$here/install.sh" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-12)
folder=${VENT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vent}/$1-$versions

end_if_complete() {
  [ ! -e "$folder/done" ] || {
    echo "$folder"
    exit
  }
}

has_python() {
  command -v python3 >/dev/null && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

end_if_complete
if ! has_python && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing python3 python3-venv" >&2
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
fi
has_python || {
  echo "$2 need Python 3.11 with venv (Debian: apt install python3-venv)" >&2
  exit 1
}

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
end_if_complete
cd "$folder"
