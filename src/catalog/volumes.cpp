#include <fmt/format.h>

#include <algorithm>

#include "catalog/words.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

void bind_blob(SQLite::Statement& statement, int index, std::string_view bytes) {
  statement.bind(index, static_cast<const void*>(bytes.empty() ? "" : bytes.data()), static_cast<int>(bytes.size()));
}

digest::Sha256 seal_from(const std::string& hex) {
  const auto seal = core::digest_from_hex<32>(hex);
  if (!seal) throw Error(Code::kCorrupt, "the catalog holds a seal that is no SHA-256", "darkshelf catalog verify");
  return *seal;
}

Volume volume_from(SQLite::Statement& row) {
  Volume volume;
  volume.info = fv::decode_bag_info(text_of(row.getColumn("bag_info")));
  volume.seal = seal_from(text_of(row.getColumn("seal")));
  volume.tagmanifest = blob_of(row.getColumn("tagmanifest"));
  volume.folder = text_of(row.getColumn("folder"));
  volume.bytes_on_drive = static_cast<std::uint64_t>(row.getColumn("bytes_on_drive").getInt64());
  volume.adopted = row.getColumn("adopted").getInt() != 0;
  return volume;
}

constexpr const char* kVolumes =
    "SELECT v.bag_info, v.seal, v.tagmanifest, v.folder, v.bytes_on_drive, v.adopted FROM volumes v ";
constexpr const char* kPlaces = "JOIN volumes_in_order o ON o.id = v.id ";
constexpr const char* kInOrder = " ORDER BY v.shoot_date, v.title, o.sealing, v.part, v.uuid";

constexpr const char* kMembers =
    "SELECT m.type, m.path, m.bytes, m.mtime_ns, m.mode, m.sha256, m.link, m.xattrs, m.header_offset, m.offset, "
    "m.first_slice, v.uuid, m.photo "
    "FROM members m JOIN volumes v ON v.id = m.volume ";

fv::Member member_from(SQLite::Statement& row) {
  fv::Member member;
  member.type = static_cast<fv::MemberType>(row.getColumn(0).getInt());
  member.path = blob_of(row.getColumn(1));
  member.bytes = static_cast<std::uint64_t>(row.getColumn(2).getInt64());
  member.mtime_ns = row.getColumn(3).getInt64();
  member.mode = static_cast<std::uint32_t>(row.getColumn(4).getInt());
  const std::string hash = blob_of(row.getColumn(5));
  if (hash.size() == member.sha256.size()) std::memcpy(member.sha256.data(), hash.data(), hash.size());
  member.link = blob_of(row.getColumn(6));
  const std::string xattrs = text_of(row.getColumn(7));
  if (!xattrs.empty()) {
    const Json attributes = parse_json(xattrs);
    for (const auto& [name, value] : attributes.items()) {
      if (!value.is_string()) throw Error(Code::kCorrupt, "the catalog holds attributes of a file that are no texts");
      if (const auto bytes = core::from_base64(value.get<std::string>())) member.xattrs[name] = core::as_text(*bytes);
    }
  }
  member.header_offset = static_cast<std::uint64_t>(row.getColumn(8).getInt64());
  member.offset = static_cast<std::uint64_t>(row.getColumn(9).getInt64());
  member.first_slice = static_cast<std::uint32_t>(row.getColumn(10).getInt64());
  member.photo = text_of(row.getColumn(12));
  return member;
}

std::vector<Volume> all_of(SQLite::Statement& rows) {
  std::vector<Volume> volumes;
  while (rows.executeStep()) volumes.push_back(volume_from(rows));
  return volumes;
}

}  // namespace

const char* const kSelectMembers = kMembers;

std::string among(Volumes which) {
  return which == Volumes::kAll ? "1" : which == Volumes::kSealed ? "v.adopted = 0" : "v.adopted = 1";
}

std::vector<FoundFile> files_of(SQLite::Statement& rows) {
  std::vector<FoundFile> files;
  while (rows.executeStep()) files.push_back({uuid_from(text_of(rows.getColumn(11))), member_from(rows)});
  return files;
}

void insert_volume(SQLite::Database& db, const Volume& volume, const std::vector<fv::Member>& members) {
  const fv::BagInfo& info = volume.info;
  SQLite::Statement insert(db,
                           "INSERT INTO volumes (uuid, seal, shoot, grp, folder, bytes_on_drive, bag_info, "
                           "tagmanifest, title, shoot_name, shoot_date, part, "
                           "sealed, photos, content_files, content_bytes, slices, adopted) VALUES (?, ?, ?, ?, ?, ?, "
                           "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, info.volume.text());
  insert.bind(2, core::to_hex(volume.seal));
  insert.bind(3, info.shoot.text());
  insert.bind(4, info.group.text());
  insert.bind(5, volume.folder);
  insert.bind(6, static_cast<std::int64_t>(volume.bytes_on_drive));
  insert.bind(7, fv::encode_bag_info(info));
  bind_blob(insert, 8, volume.tagmanifest);
  insert.bind(9, info.title);
  insert.bind(10, info.shoot_name);
  insert.bind(11, info.shoot_date);
  insert.bind(12, static_cast<std::int64_t>(info.part));
  insert.bind(13, to_ns(info.sealed));
  insert.bind(14, static_cast<std::int64_t>(info.photos));
  insert.bind(15, static_cast<std::int64_t>(info.content_files));
  insert.bind(16, static_cast<std::int64_t>(info.content_bytes));
  insert.bind(17, static_cast<std::int64_t>(info.slices));
  insert.bind(18, volume.adopted ? 1 : 0);
  insert.exec();
  const std::int64_t row = db.getLastInsertRowid();
  SQLite::Statement add(db,
                        "INSERT INTO members (volume, number, type, path, bytes, mtime_ns, mode, sha256, link, xattrs, "
                        "header_offset, offset, first_slice, photo) "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  VolumeWords words{row, info.shoot.text(), info.title, info.shoot_name, info.shoot_date, {}};
  std::int64_t number = 0;
  for (const fv::Member& member : members) {
    const bool has_content = member.type == fv::MemberType::kFile;
    add.bind(1, row);
    add.bind(2, number++);
    add.bind(3, static_cast<int>(member.type));
    bind_blob(add, 4, member.path);
    add.bind(5, static_cast<std::int64_t>(member.bytes));
    add.bind(6, member.mtime_ns);
    add.bind(7, static_cast<int>(member.mode));
    bind_blob(add, 8, has_content ? core::as_text(member.sha256) : std::string_view());
    bind_blob(add, 9, member.link);
    Json attributes = Json::object();
    for (const auto& [name, value] : member.xattrs)
      attributes[core::printable(name)] = core::to_base64(core::as_bytes(value));
    add.bind(10, attributes.empty() ? std::string() : attributes.dump());
    add.bind(11, static_cast<std::int64_t>(member.header_offset));
    add.bind(12, static_cast<std::int64_t>(member.offset));
    add.bind(13, static_cast<std::int64_t>(member.first_slice));
    add.bind(14, member.photo);
    add.exec();
    add.reset();
    if (!has_content && member.type != fv::MemberType::kHardLink) continue;
    words.files.push_back({db.getLastInsertRowid(), member.path, member.photo});
  }
  add_words(db, words);
}

void Catalog::record_volume(const Volume& volume, const std::vector<fv::Member>& members) {
  guarded(state_->path, [&] {
    SQLite::Transaction transaction(*state_->db);
    auto known = state_->query("SELECT seal FROM volumes WHERE uuid = ?");
    known.bind(1, volume.info.volume.text());
    if (known.executeStep()) {
      if (text_of(known.getColumn(0)) == core::to_hex(volume.seal)) return;
      throw Error(Code::kFailed,
                  fmt::format("{} says it is a volume that is known with another seal", core::printable(volume.folder)),
                  "one of the two was tampered with or mixed up; what the catalog knows was kept");
    }
    insert_volume(*state_->db, volume, members);
    state_->latest.reset();
    // Only what this writer sealed itself carries its running number on.
    const char* kind = volume.adopted                         ? "volume-adopted"
                       : volume.info.writer == state_->writer ? "volume-sealed"
                                                              : "volume-found";
    state_->add_fact(kind, volume.info.volume.text(), "", {{"seal", core::to_hex(volume.seal)}});
    transaction.commit();
  });
}

std::vector<Volume> Catalog::volumes(Volumes which) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(std::string(kVolumes) + kPlaces + "WHERE " + among(which) + kInOrder);
    return all_of(rows);
  });
}

std::optional<Volume> Catalog::volume(const Uuid& id) {
  return guarded(state_->path, [&]() -> std::optional<Volume> {
    auto rows = state_->query(std::string(kVolumes) + "WHERE v.uuid = ?");
    rows.bind(1, id.text());
    auto found = all_of(rows);
    if (found.empty()) return {};
    return std::move(found.front());
  });
}

std::optional<Volume> Catalog::find_volume(const std::string& text) {
  return guarded(state_->path, [&]() -> std::optional<Volume> {
    if (text.size() < 4) return {};
    const std::string name = text.substr(text.rfind('/') == std::string::npos ? 0 : text.rfind('/') + 1);
    auto rows = state_->query(
        std::string(kVolumes) + kPlaces +
        "WHERE v.adopted = 0 AND (substr(v.uuid, 1, ?) = ? OR v.folder = ? OR v.folder LIKE '%/' || ? ESCAPE '\\')" +
        kInOrder);
    std::string pattern;
    for (const char c : name) pattern += (c == '%' || c == '_' || c == '\\') ? std::string{'\\', c} : std::string(1, c);
    rows.bind(1, static_cast<int>(text.size()));
    rows.bind(2, text);
    rows.bind(3, text);
    rows.bind(4, pattern);
    auto found = all_of(rows);
    if (found.empty()) return {};
    if (found.size() > 1) {
      std::string names;
      for (const Volume& volume : found) names += fmt::format("\n  {}  {}", volume.info.volume.text(), volume.folder);
      throw Error(Code::kUsage,
                  fmt::format("\"{}\" could be any of these volumes; give the id:{}", core::printable(text), names));
    }
    return std::move(found.front());
  });
}

std::vector<Volume> Catalog::volumes_of(const Uuid& shoot, Volumes which) {
  return guarded(state_->path, [&] {
    // The order of sealings is that of all volumes there are. Of one sealing it is that of its parts, and costs
    // nothing.
    auto sealings = state_->query("SELECT count(DISTINCT grp) FROM volumes WHERE shoot = ?");
    sealings.bind(1, shoot.text());
    const bool several = sealings.executeStep() && sealings.getColumn(0).getInt() > 1;
    auto rows = state_->query(std::string(kVolumes) + (several ? kPlaces : "") + "WHERE v.shoot = ? AND " +
                              among(which) + (several ? " ORDER BY o.place" : " ORDER BY v.part, v.uuid"));
    rows.bind(1, shoot.text());
    return all_of(rows);
  });
}

std::vector<Volume> Catalog::volumes_on(const Uuid& drive, Volumes which) {
  return guarded(state_->path, [&] {
    auto rows =
        state_->query(std::string(kVolumes) + kPlaces +
                      "JOIN copies_now c ON c.volume = v.uuid WHERE c.drive = ? AND " + among(which) + kInOrder);
    rows.bind(1, drive.text());
    return all_of(rows);
  });
}

std::vector<fv::Member> Catalog::members_of(const Uuid& volume) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(std::string(kMembers) + "WHERE v.uuid = ? ORDER BY m.number");
    rows.bind(1, volume.text());
    std::vector<fv::Member> members;
    while (rows.executeStep()) members.push_back(member_from(rows));
    return members;
  });
}

std::vector<FoundFile> Catalog::where(const std::string& text) {
  if (const auto sha256 = core::digest_from_hex<32>(text)) return by_sha256(*sha256);
  return guarded(state_->path, [&] {
    // The whole table is looked through once; a last component that is plain narrows it by the index of words.
    const bool glob = text.find_first_of("*?[") != std::string::npos;
    std::string sql = std::string(kMembers) + kPlaces + "WHERE m.type IN (0, 3)";
    if (glob) {
      sql += " AND (CAST(m.path AS TEXT) GLOB ?1 OR CAST(m.path AS TEXT) GLOB '*/' || ?1)";
    } else {
      sql +=
          " AND (m.path = CAST(?1 AS BLOB) OR substr(m.path, -length(CAST('/' || ?1 AS BLOB))) = CAST('/' || ?1 AS "
          "BLOB))";
    }
    auto rows = state_->query(sql + " ORDER BY m.path, o.place");
    rows.bind(1, text);
    return files_of(rows);
  });
}

std::vector<FoundFile> Catalog::by_sha256(const digest::Sha256& sha256) {
  return guarded(state_->path, [&] {
    auto rows =
        state_->query(std::string(kMembers) + kPlaces + "WHERE m.type = 0 AND m.sha256 = ? ORDER BY m.path, o.place");
    bind_blob(rows, 1, core::as_text(sha256));
    return files_of(rows);
  });
}

}  // namespace darkshelf::catalog
