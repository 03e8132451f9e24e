#pragma once
// A machine with a catalog of its own and a steady world; what the tests of this folder share.

#include <SQLiteCpp/SQLiteCpp.h>

#include <set>

#include "catalog/catalog.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {

using catalog::Catalog;
using core::Code;
namespace fv = formats::volume;

struct Machine {
  Machine(const io::Path& file, std::uint64_t seed)
      : world(*core::parse_time("2026-12-31T12:00:00Z") + std::chrono::seconds(seed * 1000), seed),
        catalog(Catalog::create(io::posix(), file, world, "test")) {}
  core::SteadyWorld world;
  Catalog catalog;

  core::Uuid add_drive(const std::string& label) {
    catalog::NewDrive drive;
    drive.id = world.new_id();
    drive.label = label;
    drive.kind = "hdd";
    catalog.record_drive(drive);
    return drive.id;
  }

  /// A volume with two files, as a seal would record it.
  catalog::Volume add_volume(const std::string& shoot, const core::Uuid& writer, std::uint64_t sequence = 1) {
    catalog::Volume volume;
    fv::BagInfo& info = volume.info;
    info.volume = world.new_id();
    info.group = world.new_id();
    info.shoot = world.new_id();
    info.shoot_name = info.title = shoot;
    info.shoot_date = "2026-06-14";
    info.payload_bytes = info.content_bytes = 1000;
    info.payload_files = 1;
    info.content_files = info.photos = 2;
    info.slice_bytes = 4096;
    info.slices = 100;
    info.recovery_slices = 16;
    info.tag_slice_bytes = 4096;
    info.tag_recovery_slices = 6;
    info.writer = writer;
    info.sequence = sequence;
    info.sealed = world.now();
    volume.tagmanifest = fv::encode_manifest({{digest::sha256(core::as_bytes(shoot)), "bag-info.txt"}});
    volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
    volume.folder = fv::year_folder(info) + "/" + fv::folder_name(info);
    volume.bytes_on_drive = 2000;
    std::vector<fv::Member> members(2);
    members[0].path = shoot + "/IMG_0001.CR3";
    members[0].bytes = 600;
    members[0].sha256 = digest::sha256(core::as_bytes(shoot + "1"));
    members[1].path = shoot + "/Größe\xFF.JPG";
    members[1].bytes = 400;
    members[1].sha256 = digest::sha256(core::as_bytes(shoot + "2"));
    catalog.record_volume(volume, members);
    return volume;
  }
};

inline std::set<std::string> fact_ids(const io::Path& file) {
  SQLite::Database db(file.string());
  std::set<std::string> ids;
  SQLite::Statement rows(db, "SELECT id || kind || subject || object || body FROM facts");
  while (rows.executeStep()) ids.insert(rows.getColumn(0).getString());
  return ids;
}

/// Runs SQL on a catalog file behind the back of everyone.
inline void change(const io::Path& file, const std::string& sql) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE);
  db.exec("PRAGMA ignore_check_constraints = ON");  // as a stranger would
  db.exec(sql);
}

/// kCancelled: it was merged.
inline Code merge_code(Catalog& into, const io::Path& from) {
  try {
    into.merge(from);
  } catch (const core::Error& error) {
    return error.code();
  }
  return Code::kCancelled;
}

}  // namespace darkshelf::testing
