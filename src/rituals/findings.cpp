#include "rituals/findings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shelf/policy.hpp"

namespace darkshelf::rituals {

namespace {

constexpr FindingKind kHarmless[] = {FindingKind::kLitter, FindingKind::kForeign, FindingKind::kHealed};

}  // namespace

bool is_harmless(FindingKind kind) {
  return std::find(std::begin(kHarmless), std::end(kHarmless), kind) != std::end(kHarmless);
}

bool is_harmless(const catalog::Finding& finding) {
  return std::any_of(std::begin(kHarmless), std::end(kHarmless),
                     [&](FindingKind kind) { return finding.kind == name_of(kind); });
}

bool is_changed(const Examination& examination) {
  return std::any_of(examination.findings.begin(), examination.findings.end(),
                     [](const FileFinding& finding) { return finding.kind == FindingKind::kChanged; });
}

catalog::CopyHealth health_of(const Examination& examination) {
  if (!examination.loaded) {
    const bool missing = !examination.findings.empty() && examination.findings.front().kind == FindingKind::kMissing;
    return missing ? catalog::CopyHealth::kMissing : catalog::CopyHealth::kUnrepairable;
  }
  const bool sound = std::all_of(examination.findings.begin(), examination.findings.end(),
                                 [](const FileFinding& f) { return is_harmless(f.kind); });
  if (sound) return catalog::CopyHealth::kGood;
  return examination.repairable() ? catalog::CopyHealth::kDamaged : catalog::CopyHealth::kUnrepairable;
}

void add_finding(catalog::Scrub& record, const std::optional<core::Uuid>& volume, const std::string& path,
                 const FileFinding& finding, std::uint64_t photos_hit) {
  const auto add = [&](std::uint64_t first, std::uint64_t count) {
    catalog::Finding out;
    out.drive = record.drive;
    out.volume = volume;
    out.kind = name_of(finding.kind);
    out.path = path;
    out.first = first;
    out.count = count;
    const std::string sectors = finding.sectors == 0
                                    ? ""
                                    : fmt::format(",\"sectors\":{},\"seconds\":{:.3f}", finding.sectors,
                                                  std::chrono::duration<double>(finding.cost).count());
    out.detail = fmt::format("{{\"photos\":{},\"bytes\":{}{}}}", photos_hit, finding.bytes, sectors);
    record.findings.push_back(std::move(out));
  };
  if (finding.slices.empty()) add(0, finding.bytes);
  for (const SliceRange& range : finding.slices) add(range.first, range.count);
}

void add_findings(catalog::Scrub& record, const catalog::Volume& volume, const Examination& examination) {
  const std::string folder = std::string(formats::drive::kFolder) + "/" + volume.folder;
  for (const FileFinding& finding : examination.findings) {
    add_finding(record, volume.info.volume, finding.path.empty() ? folder : folder + "/" + finding.path, finding,
                examination.photos_hit_count);
  }
}

void record_damage(Context& context, const catalog::Drive& drive, const catalog::Volume& volume,
                   const Examination& examination) {
  if (health_of(examination) == catalog::CopyHealth::kGood) return;
  catalog::Scrub record;
  record.id = context.world.new_id();
  record.drive = drive.id;
  record.started = record.ended = context.world.now();
  record.volumes.push_back({volume.info.volume, 0, 0, false, health_of(examination)});
  add_findings(record, volume, examination);
  context.catalog.record_scrub(record);
}

void record_damage(Context& context, const catalog::Drive& drive, const std::vector<FileFinding>& beside) {
  if (beside.empty() || shelf::is_failing(context.catalog, drive.id)) return;
  catalog::Scrub record;
  record.id = context.world.new_id();
  record.drive = drive.id;
  record.started = record.ended = context.world.now();
  for (const FileFinding& finding : beside) add_finding(record, {}, finding.path, finding, 0);
  context.catalog.record_scrub(record);
}

}  // namespace darkshelf::rituals
