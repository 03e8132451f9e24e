// Wear of disks, and what this catalog file alone remembers.

#include "catalog/wear.hpp"

#include "catalog/state.hpp"
#include "core/text.hpp"

namespace darkshelf::catalog {

void Catalog::record_wear(const Uuid& drive, const Wear& wear) {
  Json body = {
      {"read", to_ns(wear.read)}, {"model", core::printable(wear.model)}, {"serial", core::printable(wear.serial)}};
  if (wear.passed) body["passed"] = *wear.passed ? 1 : 0;
  for (const auto& [name, count] : wear.counts) body[name] = count;
  state_->record("drive-wear", drive.text(), "", body);
}

std::vector<Wear> Catalog::wear(const Uuid& drive) {
  return guarded(state_->path, [&] {
    auto rows = state_->query(
        "SELECT body FROM facts WHERE kind = 'drive-wear' AND subject = ?1 AND sort > coalesce((SELECT max(sort) FROM "
        "facts WHERE kind = 'drive-accepted' AND subject = ?1), '') ORDER BY sort DESC");
    rows.bind(1, drive.text());
    std::vector<Wear> all;
    while (rows.executeStep()) {
      const Json body = parse_json(text_of(rows.getColumn(0)));
      Wear wear;
      wear.read = time_from(json_number(body, "read"));
      wear.model = json_text(body, "model");
      wear.serial = json_text(body, "serial");
      if (body.contains("passed")) wear.passed = json_number(body, "passed") != 0;
      for (const std::string_view name : kWearCounts) {
        const auto found = body.find(std::string(name));
        if (found != body.end() && found->is_number_unsigned())
          wear.counts[std::string(name)] = found->get<std::uint64_t>();
      }
      all.push_back(std::move(wear));
    }
    return all;
  });
}

std::string Catalog::remembered(const std::string& what) {
  return guarded(state_->path, [&] {
    auto row = state_->query("SELECT value FROM meta WHERE key = ?");
    row.bind(1, "memory/" + what);
    return row.executeStep() ? text_of(row.getColumn(0)) : std::string();
  });
}

void Catalog::remember(const std::string& what, const std::string& value) {
  guarded(state_->path, [&] {
    auto insert = state_->query("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
    insert.bind(1, "memory/" + what);
    insert.bind(2, value);
    insert.exec();
  });
}

}  // namespace darkshelf::catalog
