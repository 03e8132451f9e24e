#pragma once
// What lies on a drive beside the volumes: drive.json, catalog/CURRENT, START-HERE. SPEC.md is normative. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.hpp"
#include "digest/digest.hpp"

namespace darkshelf::formats::drive {

inline constexpr unsigned kFormat = 1;

struct DriveIdentity {
  unsigned format = kFormat;
  core::Uuid id;
  std::string label;
  core::Time created{};
  std::string catalog_mode = "full";  // what of the catalog this drive carries: full, own, none
};
/// Can a drive be called this? 1 to 60 characters that are printable as they are, no '/' and no ',' (commands take
/// lists of labels), no dash in front (an option begins with one), not "." or "..".
bool is_label(std::string_view label);
/// The text if it is a label, else one made from it: a drive.json that others wrote may hold any text.
std::string label_from(std::string_view text);
std::string encode_identity(const DriveIdentity& identity);
/// Throws core::Error(kCorrupt) or (kNewerFormat: found, supported, written by).
DriveIdentity decode_identity(std::string_view text);

/// catalog/CURRENT: three lines "name", "bytes", "sha256".
struct CurrentCatalog {
  std::string name;  // "catalog-12.db": no folder part
  std::uint64_t bytes = 0;
  digest::Sha256 sha256{};
};
std::string encode_current(const CurrentCatalog& current);
CurrentCatalog decode_current(std::string_view text);

// Paths below the root of the drive.
inline constexpr std::string_view kFolder = "darkshelf", kIdentity = "darkshelf/drive.json",
                                  kCatalogFolder = "darkshelf/catalog", kCurrent = "darkshelf/catalog/CURRENT",
                                  kIncoming = "darkshelf/.incoming", kSeals = "darkshelf/seals",
                                  kKeys = "darkshelf/keys", kQuarantine = "darkshelf/quarantine",
                                  kJournal = "darkshelf/.repair", kStartHere = "darkshelf/START-HERE.txt",
                                  kLock = "darkshelf/.lock";
/// "START-HERE photo archive 2026-A.txt" at the root (label made safe for any file system, and cut
/// where the name would be longer than most of them take).
std::string root_start_here_name(std::string_view label);

struct StartHere {
  std::string label, owner, phone, place;
  std::vector<std::string> twins;  // labels of drives that hold copies of the same volumes
  std::string example_volume,
      example_base;  // folder (below darkshelf/) and NAME of one real volume, for the commands; "" if none
  bool has_tar_layout = false, has_files_layout = false;
  core::Time written{};
};
/// What this is and how to get every photo back with stock tools, command by command, for Linux, macOS and Windows.
std::string start_here(const StartHere& facts);

}  // namespace darkshelf::formats::drive
