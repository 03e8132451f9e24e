#pragma once
// Recovering and merging catalogs, and discarding shoots.

#include "rituals/context.hpp"
#include "rituals/signatures.hpp"

namespace darkshelf::rituals {

struct RecoverReport {
  struct FromDrive {
    io::Path root;
    std::string label;
    std::string catalog_as_of;       // date of the catalog copy that was merged, "" if none was sound
    std::uint64_t volumes_read = 0;  // volumes known from their tag files alone
    std::vector<std::string> problems;
    bool contradicts = false;  // a signature does not match, or a volume is not what was sealed
    SignatureTally signatures;
    bool incomplete = false;  // volumes lie there that were not understood or not taken in
  };
  std::vector<FromDrive> drives;
  std::uint64_t drives_known = 0, shoots_known = 0, volumes_known = 0;
  std::uint64_t thumbnails = 0;             // that were taken in
  std::vector<shelf::ChainFinding> chains;  // of all that is known now
};
/// Throws unless an archive drive lies there: kNotFound, kWrongDrive.
void require_archive(io::FileSystem& fs, const io::Path& path);
/// Plugs what drives know into the catalog: catalog copies (checked by CURRENT, the older one if the newer is damaged),
/// else the volumes' own tag files. `context.catalog` may be new. Drives are registered from their drive.json; foreign
/// and hostile files are named, not believed.
RecoverReport recover_catalog(Context& context, const std::vector<io::Path>& paths);

struct DiscardRequest {
  std::string shoot, from, reason;  // from: "" for all drives
  std::string confirmed_name;       // what was typed when the last good copy goes
};
struct DiscardReport {
  catalog::Shoot shoot;
  std::vector<std::string> removed_from;  // labels, plugged in: volumes deleted
  std::vector<std::string> later;         // labels, not plugged in: the copies there stay, told only
  std::vector<std::string> read_only;     // labels, plugged in for reading alone: the copies there stay
  std::vector<std::string> failing;       // labels of failing media, to which nothing is written: the copies there stay
  std::uint64_t bytes = 0;
  std::vector<std::string> not_refreshed;  // catalog copies on drives that could not be written, and why
};
/// The tombstone (fact) stays. Throws kUsage with the name to type when this would take the last good copy.
DiscardReport discard(Context& context, const DiscardRequest& request);

}  // namespace darkshelf::rituals
