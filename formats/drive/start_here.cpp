#include <fmt/format.h>

#include "core/text.hpp"
#include "formats/drive/drive_files.hpp"

namespace darkshelf::formats::drive {

namespace {

/// The end of a volume's folder name, enough to find it with a wildcard: lines stay short whatever the shoot is called.
std::string ending_of(const std::string& folder) {
  const std::size_t part = folder.rfind('_');
  const std::size_t group = part == std::string::npos || part == 0 ? std::string::npos : folder.rfind('_', part - 1);
  return group == std::string::npos ? folder : folder.substr(group);
}

std::string part_of(const std::string& folder) {
  const std::size_t part = folder.rfind('_');
  return part == std::string::npos ? folder : folder.substr(part);
}

std::string about(const StartHere& facts) {
  std::string text = fmt::format("PHOTO ARCHIVE DRIVE  {}\n\n", core::printable(facts.label));
  if (!facts.owner.empty()) text += fmt::format("Belongs to: {}\n", core::printable(facts.owner));
  if (!facts.phone.empty()) text += fmt::format("Telephone:  {}\n", core::printable(facts.phone));
  if (!facts.place.empty()) text += fmt::format("Kept at:    {}\n", core::printable(facts.place));
  text += R"(
Please do not format, erase or "initialize" this drive, and do not write on it.
It holds photographs that cannot be taken again.

)";
  if (!facts.twins.empty()) {
    text += "The same photographs, or some of them, also lie on these drives:\n";
    for (const std::string& twin : facts.twins) text += fmt::format("    {}\n", core::printable(twin));
    text += '\n';
  }
  text += R"(WHAT LIES WHERE

Every folder below darkshelf/<year>/ is a volume: one photo session (a shoot),
or one part of a big one. A volume holds
    data/                     the photographs: as a .tar file, or plain files
    manifest-sha256.txt       checksums of what is in data/
    photos.sha256             a checksum of every photograph
    *.par2                    spare data that can rebuild damaged parts
Folders that end in 1of3, 2of3 and 3of3 are one shoot in three parts.

)";
  return text;
}

std::string linux_commands(const StartHere& facts) {
  const std::size_t slash = facts.example_volume.find('/');
  const std::string year = facts.example_volume.substr(0, slash);
  const std::string folder = slash == std::string::npos ? facts.example_volume : facts.example_volume.substr(slash + 1);
  std::string text = R"(HOW TO GET EVERY PHOTOGRAPH BACK: LINUX

Needed are tar, sha256sum (both are on every Linux) and par2 (Debian and
Ubuntu: apt install par2). Open a terminal in the top folder of this drive and
type what stands behind the $ signs, one line after the other.

Copy all photographs into a folder "restored" in your home folder:

    $ mkdir -p ~/restored
)";
  if (facts.has_tar_layout) {
    text += "    $ for t in darkshelf/*/*/data/*.tar; do tar -i -xf \"$t\" -C ~/restored; done\n";
  }
  if (facts.has_files_layout) {
    text += "    $ for d in darkshelf/*/*/data/*/; do cp -a \"$d\" ~/restored/; done\n";
  }
  text += R"(
Compare each of them with the checksum from the day it was archived. A line
that ends in FAILED is a damaged photograph; no line at all is good news:

    $ cat darkshelf/*/*/photos.sha256 | (cd ~/restored; sha256sum -c --quiet)

If one is damaged, go into its volume and look closer. For instance:

)";
  text += fmt::format("    $ cd darkshelf/{}/*{}\n", year, ending_of(folder));
  text += "    $ sha256sum -c manifest-sha256.txt\n";
  text += fmt::format("    $ par2 verify *{}.par2\n", part_of(folder));
  text += R"(
Rebuild the damaged parts. This writes into the volume, so copy the whole
volume to another disk first when the drive itself seems to be failing. It may
take hours for a large volume; let it run:

)";
  text += fmt::format("    $ par2 repair *{}.par2\n", part_of(folder));
  text += "    $ sha256sum -c manifest-sha256.txt\n";
  text += R"(
The small files of the volume (lists of checksums) have spare data of their own:

)";
  text += fmt::format("    $ par2 repair *{}.tags.par2\n", part_of(folder));
  text += "    $ sha256sum -c tagmanifest-sha256.txt\n\n";
  return text;
}

constexpr std::string_view kOtherSystems = R"(HOW TO GET EVERY PHOTOGRAPH BACK: macOS

In the Terminal, inside a volume's data folder:      tar -xf NAME.tar
Checksums, where the files were extracted:           shasum -a 256 -c LIST
(LIST is the volume's photos.sha256.) Repair: install "par2" with Homebrew
(brew install par2), then as on Linux. MacPAR deLuxe opens .par2 files too.

HOW TO GET EVERY PHOTOGRAPH BACK: WINDOWS

Windows 10 and later have tar: in a Command Prompt   tar -xf NAME.tar
7-Zip opens .tar files as well. A checksum:  certutil -hashfile FILE SHA256
Repair: open the volume's .par2 file with MultiPar or QuickPar.

WITH DARKSHELF

The program that wrote this archive does all of it by itself:
    darkshelf catalog recover <folder of this drive>
    darkshelf check <folder of this drive>
    darkshelf restore <shoot> --to <folder>
The list of everything that is archived lies in darkshelf/catalog/, an SQLite
file that many programs open.
)";

}  // namespace

std::string start_here(const StartHere& facts) {
  std::string text = about(facts);
  if (facts.example_volume.empty()) {
    text += "No photographs have been archived on this drive yet.\n\n";
  } else {
    text += linux_commands(facts);
  }
  text += kOtherSystems;
  text += fmt::format("\nWritten {} by darkshelf.\n", core::format_date_for_people(facts.written));
  return text;
}

}  // namespace darkshelf::formats::drive
