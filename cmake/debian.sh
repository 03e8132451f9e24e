# The one list of Debian 12 packages that darkshelf's scripts need, and how they are installed. Sourced by bash scripts:
#   . cmake/debian.sh; require_packages "to build" "${build_packages[@]}"

build_packages=(
  g++ cmake ninja-build pkg-config
  libarchive-dev libboost-filesystem-dev libsqlitecpp-dev libsqlite3-dev libssl-dev libcli11-dev libfmt-dev
  libsodium-dev nlohmann-json3-dev zlib1g-dev libexiv2-dev libheif-dev libjpeg62-turbo-dev
)
# Outside judges and the file systems that stand in for drives. A test that misses one says so and is skipped.
test_packages=(
  catch2 python3 par2 sqlite3 attr mount e2fsprogs dosfstools xfsprogs btrfs-progs exfat-fuse exfatprogs ntfs-3g minisign openssl
  libarchive-tools jq gddrescue libfuse3-dev fuse3 smartmontools g++-aarch64-linux-gnu qemu-user
  libimage-exiftool-perl libheif-examples rawtran-doc forensics-samples-files golang-go4-dev
  golang-github-rwcarlsen-goexif-dev python3-icalendar python3-vobject
)
# For the bench preset alone.
bench_packages=(libbenchmark-dev)
# mount: losetup for the two drives. par2: the judge. The last two hold real photos.
example_packages=(par2 mount e2fsprogs python3 rawtran-doc forensics-samples-files)

# Prints the packages among the arguments that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

# as_root COMMAND…: runs it as root, directly or through sudo; fails when neither is possible.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# install_packages PACKAGE…: from the package lists at hand; fetches new lists only when those are absent or too old.
install_packages() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
  as_root "${apt[@]}" --no-install-recommends install "$@" && return
  as_root "${apt[@]}" update && as_root "${apt[@]}" --no-install-recommends install "$@"
}

# require_packages WHAT-FOR PACKAGE…: installs what is missing; returns 1, having said what to type, when it cannot.
require_packages() {
  local what_for=$1 missing
  shift
  if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian: I take it that what is needed $what_for is installed ($*)." >&2
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return 0
  echo "Installing what is missing $what_for: ${missing[*]}" >&2
  if ! install_packages "${missing[@]}" >&2; then
    echo "Could not install them. As root, type: apt-get install ${missing[*]}" >&2
    return 1
  fi
}
