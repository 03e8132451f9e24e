#!/bin/bash
# A year's photos go onto two drives, the drives are unplugged, one of them ages badly, and every photo comes back.
#
#   examples/first-archive.sh [--keep] [--folders] [--binary FILE]
#
#   --keep         leave the work folder (photos, drives, catalog) to look around in
#   --folders      use two folders as drives even where disk images could be mounted
#   --binary FILE  use this darkshelf instead of building one
#
# On a fresh Debian 12 it installs what is missing and builds darkshelf first. It touches nothing outside its work folder
# and build/: the catalog is its own. Every step's exit code is checked; the first that is wrong ends the story.
set -uo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
export LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
. "$project/cmake/debian.sh"

keep=no drives_are=images binary=
while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=yes ;;
    --folders) drives_are=folders ;;
    --binary) binary=$(realpath "${2:?--binary wants a file}"); shift ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "first-archive.sh: unknown option $1 (there are --keep, --folders, --binary FILE)" >&2; exit 2 ;;
  esac
  shift
done

# ---- telling the story ---------------------------------------------------------------------------------------------------

fail() { echo >&2; echo "first-archive.sh: STOPPED: $*" >&2; exit 1; }
chapter() { printf '\n== %s\n' "$*"; }
say() { printf '\n%s\n' "$*"; }

# As it would be typed.
typed() {
  local word line='$'
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=,+%@-]*) line+=" \"$word\"" ;;
      *) line+=" $word" ;;
    esac
  done
  printf '%s\n' "$line"
}

# run "CODES" COMMAND…: shows the command and its output (kept in $output too); the exit code must be one of CODES.
run() {
  local codes=$1 status
  shift
  typed "$@"
  "$@" >"$work/output" 2>&1
  status=$?
  cat "$work/output"
  output=$(<"$work/output")
  case " $codes " in
    *" $status "*) [ "$status" -eq 0 ] || echo "(exit code $status)" ;;
    *) fail "exit code $status where $codes was expected, from: $*" ;;
  esac
}
# told TEXT…: the last output must contain each.
told() {
  local text
  for text in "$@"; do
    grep -qF -- "$text" <<<"$output" || fail "the last command should have told about \"$text\""
  done
}

# ---- drives: plugging in and unplugging --------------------------------------------------------------------------------

declare -A loops=()
make_drive() { # LABEL: a new, empty drive, plugged in
  if [ "$drives_are" = images ]; then
    truncate -s 1536M "$work/images/$1.img" && mkfs.ext4 -q -m 0 -E "root_owner=$(id -u):$(id -g)" "$work/images/$1.img" ||
      return 1
  else
    mkdir -p "$work/unplugged/$1"
  fi
  plug_in "$1"
}
plug_in() {
  mkdir -p "$work/drives"
  if [ "$drives_are" = images ]; then
    # With direct I/O, reading back reads the image and not what the kernel remembers of it; not every disk below allows that.
    loops[$1]=$(as_root losetup --find --show --direct-io=on "$work/images/$1.img" 2>/dev/null ||
      as_root losetup --find --show "$work/images/$1.img" 2>/dev/null) || return 1
    mkdir -p "$work/drives/$1" && as_root mount -t ext4 "${loops[$1]}" "$work/drives/$1"
  else
    mv "$work/unplugged/$1" "$work/drives/$1"
  fi
}
unplug() {
  if [ "$drives_are" = images ]; then
    as_root umount "$work/drives/$1" && as_root losetup -d "${loops[$1]}" && rmdir "$work/drives/$1" || return 1
    unset "loops[$1]"
  else
    mkdir -p "$work/unplugged" && mv "$work/drives/$1" "$work/unplugged/$1"
  fi
}
release_drives() {
  local label
  for label in "${!loops[@]}"; do
    mountpoint -q "$work/drives/$label" && { as_root umount "$work/drives/$label" || as_root umount -l "$work/drives/$label"; }
    [ -n "${loops[$label]}" ] && as_root losetup -d "${loops[$label]}" 2>/dev/null
  done
  loops=()
}

clean_up() {
  cd /
  release_drives
  if [ "$keep" = yes ]; then
    echo "Kept: $work"
  elif ! mountpoint -q "$work/drives/2026-A" && ! mountpoint -q "$work/drives/2026-B"; then
    rm -rf "$work"
  fi
}

# ---- getting ready -------------------------------------------------------------------------------------------------------

work=$(mktemp -d "${TMPDIR:-/var/tmp}/first-archive.XXXXXX") || exit 1
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
mkdir -p "$work/images"
export DARKSHELF_CATALOG=$work/catalog/darkshelf.db

chapter "Getting ready"
free=$(df --output=avail -BM "$work" | tail -n 1 | tr -dc 0-9)
[ "$free" -ge 2500 ] || fail "this needs 2.5 GB in ${TMPDIR:-/var/tmp}, and $free MB are free; set TMPDIR to another folder"
if [ -z "$binary" ]; then
  require_packages "to build" "${build_packages[@]}" || exit 1
fi
require_packages "for this example" "${example_packages[@]}" || {
  [ -n "$binary" ] && echo "skipped: packages are missing: $(missing_packages "${example_packages[@]}" | xargs)" && exit 77
  exit 1
}
if [ -z "$binary" ]; then
  echo "Building darkshelf (build/release); the first time this takes some minutes."
  (cd "$project" && cmake --preset release && cmake --build --preset release --parallel "${JOBS:-$(nproc)}") \
    >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "darkshelf could not be built"; }
  binary=$project/build/release/bin/darkshelf
fi
[ -x "$binary" ] || fail "there is no program at $binary"
PATH=$(dirname "$binary"):$PATH

python3 "$project/examples/make_shoots.py" "$work/photos/2026" || {
  [ $? -eq 77 ] && exit 77
  fail "the photos could not be laid out"
}
wedding="2026-06-14 Smith wedding" island="2026-08-02 Île de Ré"
cd "$work" || exit 1
mkdir -p catalog

if [ "$drives_are" = images ] && ! { make_drive 2026-A && make_drive 2026-B; } 2>"$work/mount.log"; then
  release_drives
  drives_are=folders
  rm -rf drives
fi
if [ "$drives_are" = images ]; then
  echo "The two drives are disk images with ext4, mounted. Unplugging one means: umount."
else
  make_drive 2026-A && make_drive 2026-B || fail "the two folders for drives could not be made"
  echo "The two drives are folders (disk images cannot be mounted here). Unplugging one means: its folder is moved away."
fi

# ---- the story -----------------------------------------------------------------------------------------------------------

chapter "1. A year of photos"
say "Two shoots lie in one folder: real photos, and filler to make them as many as a shoot has."
run 0 du -sh "photos/2026/$wedding" "photos/2026/$island"
run 0 bash -c 'find photos/2026 -type f | wc -l'

chapter "2. Two drives get a name and a place"
say "The catalog is one file on this computer; it will know where everything is when no drive is plugged in."
run 0 darkshelf init
run 0 darkshelf place add "home/shelf 2"
run 0 darkshelf place add "bank box" --offsite
say "Each drive gets the label that is written on it, and the place where it will be kept."
run 0 darkshelf drive add drives/2026-A --label 2026-A --place "home/shelf 2"
run 0 darkshelf drive add drives/2026-B --label 2026-B --place "bank box"

chapter "3. Seal the year on both drives"
say "First only look: what would be sealed where, and how long it takes."
run 0 darkshelf seal photos/2026 --each --to 2026-A --to 2026-B --plan
say "Then do it: the photos are read once, written to both drives, read back from them and proven."
run 0 darkshelf seal photos/2026 --each --to 2026-A --to 2026-B
say "The same command again has nothing left to do."
run 0 darkshelf seal photos/2026 --each --to 2026-A --to 2026-B

chapter "4. Unplug both and put them away"
unplug 2026-A && unplug 2026-B || fail "a drive could not be unplugged"
[ "$drives_are" = images ] && typed umount drives/2026-A drives/2026-B
say "Two years later a client calls. Where is the wedding? No drive is plugged in."
run 0 darkshelf find wedding
told "2026-A" "2026-B"
say "Names in any language are found, and single files too."
run 0 darkshelf find Île --files
told "2026-A" "2026-B"
say "Is everything safe enough? (Exit code 6 says no: this example keeps two copies, the policy asks for three.)"
run "0 6" darkshelf status

chapter "5. A drive comes back, and it has not aged well"
plug_in 2026-A || fail "drive 2026-A could not be plugged in again"
volume=$(echo drives/2026-A/darkshelf/2026/2026-06-14_*_1of1) other=$(echo drives/2026-A/darkshelf/2026/2026-08-02_*_1of1)
tar=$(echo "$volume"/data/*.tar)
[ -f "$tar" ] && [ -d "$other" ] || fail "the volumes are not where they should be on drive 2026-A"
(cd drives/2026-A && find darkshelf/2026 darkshelf/seals -type f | sort | xargs -d '\n' sha256sum) >before.sha256

# at PHOTO data|header: where it lies in the tar, as any tar reader sees it.
at() {
  python3 - "$tar" "$wedding/$1" "$2" <<'END'
import sys, tarfile
with tarfile.open(sys.argv[1]) as tar:
    member = tar.getmember(sys.argv[2])
print(member.offset_data + 5000 if sys.argv[3] == "data" else member.offset_data - 500)
END
}
overwrite() { # FILE OFFSET BYTES
  run 0 dd if=/dev/urandom of="$1" bs=1 seek="$2" count="$3" conv=notrunc,fsync status=none
}
hit=("IMG_20191224_234846.jpg" "Feier – Gäste/Gast_0007_größer.CR2" "Feier – Gäste/Gast_0031_größer.JPG")
headless="Trauung/DSC_0012.CR2"
say "We play the years: bytes change inside three photos …"
for photo in "${hit[@]}"; do overwrite "$tar" "$(at "$photo" data)" 3000; done
say "… in the tar header of a fourth, in the recovery data, in the list of files; and a small file is lost."
overwrite "$tar" "$(at "$headless" header)" 100
overwrite "$(echo "$volume"/*_1of1.vol*.par2)" 400000 5000
overwrite "$volume/members.jsonl" 2000 200
run 0 rm "$other/photos.sha256"

say "Check the drive. It tells which photos are hit and whether they can be mended (exit code 4: they can)."
run 4 darkshelf scrub 2026-A
told "${hit[@]##*/}"

chapter "6. Repair it from its own parity"
run 0 darkshelf repair 2026-A
say "Check again: every byte is what was sealed."
run 0 darkshelf scrub 2026-A
(cd drives/2026-A && sha256sum --quiet -c ../../before.sha256) || fail "the repaired drive is not what it was, byte for byte"
say "Nobody has to take darkshelf's word for it. Debian's own par2 and sha256sum look at the repaired volume:"
run 0 par2 verify -q -q "$(ls "$volume"/*_1of1.par2)"
run 0 bash -c "cd '$volume' && sha256sum -c manifest-sha256.txt"

chapter "7. The photos come back"
run 0 darkshelf restore "$wedding" --to restored
run 0 darkshelf restore "$island" --to restored
say "Compared with the originals: every byte, every name, every time."
run 0 diff -r photos/2026 restored
listing='%P %y %s %m %T@\n'
diff <(find photos/2026 -mindepth 1 -printf "$listing" | sort) <(find restored -mindepth 1 -printf "$listing" | sort) ||
  fail "sizes, modes or times of the restored photos differ from the originals"
echo "The same: $(find restored -type f | wc -l) files."

chapter "8. The computer is stolen"
unplug 2026-A || fail "drive 2026-A could not be unplugged"
say "The catalog is gone with it."
run 0 mv catalog stolen-catalog
run 2 darkshelf find wedding
say "But every drive carries a copy. Plug in the one from the bank."
plug_in 2026-B || fail "drive 2026-B could not be plugged in"
run 0 darkshelf catalog recover drives/2026-B
run 0 darkshelf find wedding
told "2026-A" "2026-B"
say "And while it is here: check it."
run 0 darkshelf scrub 2026-B
unplug 2026-B || fail "drive 2026-B could not be unplugged"

chapter "That was all of it"
echo "Every step ended as it should. The drives were ${drives_are/images/mounted disk images}."
if [ "$binary" = "$project/build/release/bin/darkshelf" ]; then
  echo "darkshelf lies at build/release/bin/darkshelf. To have it on the PATH (in /usr/local/bin), type as root:"
  echo "  cmake --install build/release"
fi
