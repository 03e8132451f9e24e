// What a scrub's findings come to.

#include <algorithm>

#include "rituals/findings.hpp"
#include "rituals/scrub.hpp"

namespace darkshelf::rituals {

bool ScrubReport::damage() const {
  const auto real = [](const FileFinding& finding) { return !is_harmless(finding.kind); };
  return contradicts_seal || std::any_of(drive_findings.begin(), drive_findings.end(), real) ||
         std::any_of(volumes.begin(), volumes.end(), [&](const ScrubbedCopy& copy) {
           return !copy.examination.loaded ||
                  std::any_of(copy.examination.findings.begin(), copy.examination.findings.end(), real);
         });
}

bool ScrubReport::failing() const {
  const auto has_unreadable = [](const std::vector<FileFinding>& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const FileFinding& finding) { return finding.kind == FindingKind::kUnreadable; });
  };
  return wear.failing() || known_failing || adopted.unreadable() || has_unreadable(drive_findings) ||
         std::any_of(volumes.begin(), volumes.end(),
                     [&](const ScrubbedCopy& copy) { return has_unreadable(copy.examination.findings); });
}

bool ScrubReport::repairable() const {
  const auto is_renamed = [&](const core::Uuid& volume) {
    return std::any_of(misplaced.begin(), misplaced.end(),
                       [&](const MisplacedVolume& one) { return !one.twice && one.volume == volume; });
  };
  return !contradicts_seal && std::all_of(volumes.begin(), volumes.end(), [&](const ScrubbedCopy& copy) {
    return copy.examination.repairable() || is_renamed(copy.volume.info.volume);
  });
}

}  // namespace darkshelf::rituals
