// Volumes that were taken in from drives that were full already: what of them lies where, by the digest of contents.

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "catalog/state.hpp"
#include "core/text.hpp"
#include "volume/scan.hpp"

namespace darkshelf::catalog {

namespace fv = formats::volume;

namespace {

bool is_gone(DriveState state) {
  return state == DriveState::kLost || state == DriveState::kFailed || state == DriveState::kRetired ||
         state == DriveState::kDestroyed;
}

bool is_hashed(const fv::Member& member) {
  return member.type == fv::MemberType::kFile && member.sha256 != digest::Sha256{};
}

/// Which volumes lie on which drives, in a table that goes with the connection: copies that are good, and of which more
/// than names is known, on drives that are not given up.
class GoodCopies {
 public:
  GoodCopies(Ledger& ledger, const std::vector<Copy>& copies, const std::vector<Drive>& drives) : ledger_(ledger) {
    std::set<Uuid> gone;
    for (const Drive& drive : drives) {
      if (is_gone(drive.state)) gone.insert(drive.id);
    }
    ledger_.db->exec("DROP TABLE IF EXISTS temp.good_copies");
    ledger_.db->exec("CREATE TEMP TABLE good_copies (volume INTEGER NOT NULL, drive TEXT NOT NULL)");
    auto insert = ledger_.query("INSERT INTO temp.good_copies SELECT id, ?2 FROM volumes WHERE uuid = ?1");
    for (const Copy& copy : copies) {
      if (copy.health != CopyHealth::kGood || copy.names_only || gone.contains(copy.drive)) continue;
      insert.bind(1, copy.volume.text());
      insert.bind(2, copy.drive.text());
      insert.exec();
      insert.reset();
    }
    ledger_.db->exec("CREATE INDEX temp.good_copies_by_volume ON good_copies (volume)");
  }
  ~GoodCopies() {
    try {
      ledger_.db->exec("DROP TABLE IF EXISTS temp.good_copies");
    } catch (const SQLite::Exception&) {  // it ends with the connection
    }
  }
  GoodCopies(const GoodCopies&) = delete;
  GoodCopies& operator=(const GoodCopies&) = delete;

 private:
  Ledger& ledger_;
};

/// A file of a shoot as one drive has it.
struct Version {
  Uuid volume, drive;
  fv::Member member;
};

struct ShootFiles {
  std::map<std::string, Version> here;                // by path
  std::map<std::string, std::vector<Version>> there;  // on other drives
};

void tell_differences(const ShootFiles& files, const std::set<digest::Sha256>& held, ShootStanding& standing) {
  for (const auto& [path, versions] : files.there) {
    const auto here = files.here.find(path);
    if (here == files.here.end()) {
      bool lacking = true;
      for (const Version& there : versions) lacking = lacking && !held.contains(there.member.sha256);
      if (lacking) standing.missing.push_back(path);
      continue;
    }
    bool same = false;
    for (const Version& there : versions) same |= there.member.sha256 == here->second.member.sha256;
    if (same) continue;
    const Version& there = versions.back();  // the last that is known
    standing.differs.push_back(
        {path, standing.shoot, here->second.volume, there.volume, there.drive, here->second.member, there.member});
  }
}

}  // namespace

std::vector<ShootStanding> Catalog::standing(const Uuid& drive) {
  const std::vector<Copy> all = copies(Volumes::kAll);
  const std::vector<Drive> known = drives();
  return guarded(state_->path, [&] {
    const GoodCopies good(*state_, all, known);
    std::map<Uuid, ShootStanding> standings;
    std::map<Uuid, std::vector<std::string>> paths, only;
    std::set<digest::Sha256> held;  // on this drive
    auto mine = state_->query(
        "SELECT v.shoot, m.path, m.bytes, m.sha256, v.adopted, EXISTS (SELECT 1 FROM members o JOIN temp.good_copies c "
        "ON c.volume = o.volume WHERE o.type = 0 AND o.sha256 = m.sha256 AND c.drive <> ?1) "
        "FROM temp.good_copies g JOIN volumes v ON v.id = g.volume JOIN members m ON m.volume = v.id "
        "WHERE g.drive = ?1 AND m.type = 0");
    mine.bind(1, drive.text());
    while (mine.executeStep()) {
      const std::string hash = blob_of(mine.getColumn(3));
      digest::Sha256 sha256{};
      if (hash.size() == sha256.size()) std::memcpy(sha256.data(), hash.data(), hash.size());
      held.insert(sha256);
      if (mine.getColumn(4).getInt() == 0) continue;
      const Uuid shoot = uuid_from(text_of(mine.getColumn(0)));
      ShootStanding& standing = standings[shoot];
      standing.shoot = shoot;
      const auto bytes = static_cast<std::uint64_t>(mine.getColumn(2).getInt64());
      const std::string path = text_of(mine.getColumn(1));
      ++standing.files;
      standing.bytes += bytes;
      paths[shoot].push_back(path);
      if (mine.getColumn(5).getInt() != 0 || bytes == 0) continue;  // of an empty file nothing can be lost
      ++standing.only_files;
      standing.only_bytes += bytes;
      only[shoot].push_back(path);
    }
    std::vector<ShootStanding> out;
    for (auto& [shoot, standing] : standings) {
      standing.photos = volume::count_photos(paths[shoot]);
      standing.only_photos = volume::count_photos(only[shoot]);
      ShootFiles files;
      auto rows = state_->query(
          "SELECT v.uuid, g.drive FROM temp.good_copies g JOIN volumes v ON v.id = g.volume "
          "JOIN volumes_in_order o ON o.id = v.id WHERE v.shoot = ? ORDER BY o.place, g.drive");
      rows.bind(1, shoot.text());
      std::map<Uuid, std::vector<Uuid>> drives_of;
      std::vector<Uuid> order;
      while (rows.executeStep()) {
        const Uuid one = uuid_from(text_of(rows.getColumn(0)));
        if (!drives_of.contains(one)) order.push_back(one);
        drives_of[one].push_back(uuid_from(text_of(rows.getColumn(1))));
      }
      if (std::all_of(drives_of.begin(), drives_of.end(),
                      [&](const auto& one) { return one.second == std::vector<Uuid>{drive}; })) {
        out.push_back(std::move(standing));
        continue;  // nobody else has anything of it
      }
      for (const Uuid& one : order) {
        for (fv::Member& member : members_of(one)) {
          if (!is_hashed(member)) continue;
          for (const Uuid& where : drives_of[one]) {
            const std::string path = member.path;
            if (where == drive)
              files.here.insert_or_assign(path, Version{one, where, member});
            else
              files.there[path].push_back({one, where, member});
          }
        }
      }
      tell_differences(files, held, standing);
      out.push_back(std::move(standing));
    }
    return out;
  });
}

std::map<Uuid, std::set<Uuid>> Catalog::drives_holding_all_of(const Uuid& volume) {
  return guarded(state_->path, [&] {
    std::set<std::string> needed;
    for (const fv::Member& member : members_of(volume)) {
      if (member.type != fv::MemberType::kFile) continue;
      if (!is_hashed(member)) return std::map<Uuid, std::set<Uuid>>{};
      needed.insert(core::to_hex(member.sha256));
    }
    auto rows = state_->query(
        "SELECT DISTINCT c.drive, c.volume, hex(m.sha256) FROM members n JOIN volumes w ON w.id = n.volume "
        "JOIN members m ON m.sha256 = n.sha256 AND m.type = 0 JOIN volumes v ON v.id = m.volume "
        "JOIN copies_now c ON c.volume = v.uuid "
        "WHERE w.uuid = ?1 AND n.type = 0 AND coalesce(json_extract(c.body, '$.names_only'), 0) = 0");
    rows.bind(1, volume.text());
    std::map<Uuid, std::set<std::string>> held;
    std::map<Uuid, std::set<Uuid>> volumes;
    while (rows.executeStep()) {
      const Uuid drive = uuid_from(text_of(rows.getColumn(0)));
      held[drive].insert(text_of(rows.getColumn(2)));
      volumes[drive].insert(uuid_from(text_of(rows.getColumn(1))));
    }
    std::erase_if(volumes, [&](const auto& one) { return held[one.first].size() < needed.size(); });
    return volumes;
  });
}

}  // namespace darkshelf::catalog
