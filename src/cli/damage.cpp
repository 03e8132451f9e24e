#include "cli/damage.hpp"

#include <fmt/format.h>

#include "cli/medium.hpp"
#include "core/text.hpp"
#include "rituals/findings.hpp"

namespace darkshelf::cli {

bool is_damage(const rituals::FileFinding& finding) { return !rituals::is_harmless(finding.kind); }

Json finding_json(const rituals::FileFinding& finding) {
  Json object = {{"kind", rituals::name_of(finding.kind)}};
  put_path(object, "path", finding.path);
  Json ranges = Json::array();
  for (const rituals::SliceRange& range : finding.slices)
    ranges.push_back({{"first", range.first}, {"count", range.count}});
  object["slices"] = std::move(ranges);
  object["bytes"] = finding.bytes;
  object["sectors"] = finding.sectors;
  object["seconds"] = std::chrono::duration<double>(finding.cost).count();
  return object;
}

void print_damage(Session& session, const catalog::Volume& volume, const rituals::Examination& found) {
  Output& out = session.out();
  constexpr std::size_t kShown = 10;
  const auto known = session.catalog(catalog::Catalog::Access::kWrite).shoot(volume.info.shoot);
  const std::string shoot = core::printable(known ? known->name : volume.info.title);
  if (!found.loaded) {
    out.line(out.paint(Color::kRed, fmt::format("{} (part {} of {}): {}", shoot, volume.info.part, volume.info.parts,
                                                core::printable(found.failure))));
    return;
  }
  if (!found.photos_hit.empty()) {
    const std::string verdict = found.repairable() ? "repairable from parity on this drive"
                                                   : "more is lost than parity on this drive can rebuild";
    out.line(fmt::format("{} of {} in {}; {}:", core::with_commas(found.photos_hit_count),
                         core::count_of(volume.info.photos, "photo"), shoot, verdict));
    for (std::size_t i = 0; i < found.photos_hit.size() && (i < kShown || out.verbose()); ++i) {
      out.item("    " + core::printable(found.photos_hit[i].path));
    }
    if (found.photos_hit.size() > kShown && !out.verbose())
      out.line(fmt::format("    … and {} more files (-v shows all)", found.photos_hit.size() - kShown));
  } else {
    out.line(fmt::format("{}: no photo is touched, but", volume.folder));
  }
  for (const rituals::FileFinding& finding : found.findings) {
    const std::string text =
        fmt::format("    {}: {}{}", rituals::name_of(finding.kind),
                    finding.path.empty() ? volume.folder : core::printable(finding.path), sectors_of(finding));
    if (is_damage(finding))
      out.line(text);
    else if (finding.kind != rituals::FindingKind::kLitter)
      out.note(text);
  }
}

}  // namespace darkshelf::cli
