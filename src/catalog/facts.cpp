#include <fmt/format.h>

#include <algorithm>

#include "catalog/state.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

using core::Code;
using core::Error;

namespace {

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(Code::kCorrupt, fmt::format("the catalog holds {}", what), "darkshelf catalog verify");
}

}  // namespace

std::string sort_key(std::int64_t time, const std::string& writer, std::int64_t sequence, const std::string& id) {
  return fmt::format("{:020}{}{:012}{}", time, writer, sequence, id);
}

std::int64_t Ledger::next_time() {
  const std::int64_t now = to_ns(world.now());
  if (now < 0 || now > kLastTime) {  // no other catalog would take it
    throw core::Error(core::Code::kFailed,
                      "the clock of this machine says " + core::format_date(core::Time(std::chrono::nanoseconds(now))) +
                          ", which cannot be; nothing was recorded",
                      "set the clock right and type the same command again");
  }
  if (!latest) {
    auto known = query(
        "SELECT max(coalesce((SELECT max(time) FROM facts), 0), coalesce((SELECT max(sealed) FROM volumes WHERE sealed "
        "<= ?), 0))");
    known.bind(1, kLastTime);
    known.executeStep();
    latest = known.getColumn(0).getInt64();
  }
  // A clock that is behind, here or on the machine whose facts came before, must not put what happens now before what
  // is known already: it would have no part in the present.
  return std::min(std::max(now, *latest + 1), kLastTime);
}

void Ledger::add_fact(const std::string& kind, const std::string& subject, const std::string& object,
                      const Json& body) {
  const std::string me = writer.text();
  const std::int64_t time = next_time();
  auto next = query("SELECT coalesce(max(sequence), 0) + 1 FROM facts WHERE writer = ?");
  next.bind(1, me);
  next.executeStep();
  const std::int64_t sequence = next.getColumn(0).getInt64();
  auto insert = query(
      "INSERT INTO facts (id, writer, sequence, time, sort, kind, subject, object, body) VALUES (?, ?, ?, ?, ?, ?, ?, "
      "?, ?)");
  const std::string id = world.new_id().text();
  insert.bind(1, id);
  insert.bind(2, me);
  insert.bind(3, sequence);
  insert.bind(4, time);
  insert.bind(5, sort_key(time, me, sequence, id));
  insert.bind(6, kind);
  insert.bind(7, subject);
  insert.bind(8, object);
  insert.bind(9, body.dump(-1, ' ', false, Json::error_handler_t::replace));
  insert.exec();
  latest = time;
}

Time Catalog::next_time() {
  return guarded(state_->path, [&] { return time_from(state_->next_time()); });
}

std::optional<Time> Catalog::clock_is_behind(Time now) {
  return guarded(state_->path, [&]() -> std::optional<Time> {
    constexpr std::int64_t kHour = 3'600'000'000'000, kMonth = 31 * 24 * kHour;
    // Not the times of facts, which never go back, but what the clock said.
    auto rows = state_->query(R"sql(
      SELECT max(said), count(*), coalesce(sum(said > ?1), 0), coalesce(sum(said > ?2), 0) FROM (
        SELECT json_extract(body, '$.proven') AS said FROM facts WHERE kind = 'copy-made' UNION ALL
        SELECT json_extract(body, '$.ended') FROM facts WHERE kind = 'drive-scrubbed'
          AND json_extract(body, '$.undated') IS NULL))sql");
    rows.bind(1, to_ns(now) + kHour);
    rows.bind(2, to_ns(now) + kMonth);
    rows.executeStep();
    const std::int64_t all = rows.getColumn(1).getInt64(), ahead = rows.getColumn(2).getInt64(),
                       far_ahead = rows.getColumn(3).getInt64();
    if (ahead > far_ahead || 2 * far_ahead > all) return time_from(rows.getColumn(0).getInt64());
    return {};
  });
}

void Ledger::record(const std::string& kind, const std::string& subject, const std::string& object, const Json& body) {
  guarded(path, [&] {
    SQLite::Transaction transaction(*db);
    add_fact(kind, subject, object, body);
    transaction.commit();
  });
}

Uuid uuid_from(const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) corrupt(fmt::format("\"{}\" where an id belongs", core::printable(text)));
  return *id;
}

std::optional<Uuid> maybe_uuid(const std::string& text) {
  if (text.empty()) return {};
  return uuid_from(text);
}

Json parse_json(const std::string& text) {
  Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) corrupt("a fact that is no JSON object");
  return object;
}

std::string json_text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t json_number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

Json to_json(const Evidence& evidence) {
  Json object = {{"fs_id", core::printable(evidence.fs_id)},
                 {"fs_type", core::printable(evidence.fs_type)},
                 {"model", core::printable(evidence.model)},
                 {"serial", core::printable(evidence.serial)},
                 {"disk", core::printable(evidence.disk)},
                 {"bytes", evidence.bytes},
                 {"path", core::to_base64(core::as_bytes(evidence.path))}};
  if (!evidence.below.empty()) object["below"] = core::to_base64(core::as_bytes(evidence.below));
  return object;
}

Evidence evidence_from(const Json& object) {
  Evidence evidence;
  evidence.fs_id = json_text(object, "fs_id");
  evidence.fs_type = json_text(object, "fs_type");
  evidence.model = json_text(object, "model");
  evidence.serial = json_text(object, "serial");
  evidence.disk = json_text(object, "disk");
  evidence.bytes = static_cast<std::uint64_t>(json_number(object, "bytes"));
  const auto path = core::from_base64(json_text(object, "path"));
  if (path) evidence.path = core::as_text(*path);
  if (const auto below = core::from_base64(json_text(object, "below"))) evidence.below = core::as_text(*below);
  return evidence;
}

}  // namespace darkshelf::catalog
