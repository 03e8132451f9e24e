#include "rituals/protect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "parity/par2_files.hpp"
#include "rituals/adopted_drive.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint32_t kMostSlices = 32768;  // that PAR2 allows
constexpr std::string_view kLooseSet = "loose files";

/// Everything that is known of a folder of the drive, and was read.
std::set<io::Path> files_of(Context& context, const AdoptPlan& plan, const std::string& folder) {
  std::set<io::Path> files;
  for (const catalog::Volume& volume : context.catalog.volumes_on(plan.drive.id, catalog::Volumes::kAdopted)) {
    const auto copy = copy_on(context.catalog, volume.info.volume, plan.drive.id);
    if (!copy || copy->folder != folder || copy->names_only) continue;
    for (const fv::Member& member : context.catalog.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile && member.bytes > 0)
        files.insert(adopted_file(plan.root, *copy, member.path));
    }
  }
  return files;
}

}  // namespace

bool is_protection(std::string_view file_name) {
  const std::size_t at = file_name.rfind(kProtection);
  if (at == std::string_view::npos || at == 0 || !file_name.ends_with(".par2")) return false;
  const std::string_view rest = file_name.substr(at + kProtection.size());
  return rest == ".par2" || rest.starts_with(".vol");
}

io::Path protection_of(const io::Path& root, const std::string& folder) {
  const io::Path shoot = folder.empty() ? root / std::string(kLooseSet) : root / folder;
  return shoot.parent_path() / (shoot.filename().string() + std::string(kProtection) + ".par2");
}

std::vector<Protected> protect(Context& context, const AdoptReport& report, double percent) {
  const AdoptPlan& plan = report.plan;
  if (io::medium_of(context.fs, plan.root).read_only || context.fs.space(plan.root).read_only) {
    throw Error(
        Code::kWrongDrive,
        fmt::format("{} is read-only here: no recovery data can be put there", core::printable(plan.drive.label)),
        "mount it for writing, or copy what is on it: darkshelf seal FOLDER --to DRIVE");
  }
  std::vector<Protected> all;
  for (const AdoptedShoot& shoot : report.shoots) {
    context.work.check();
    Protected one;
    const io::Path set = protection_of(plan.root, shoot.folder);
    one.set = io::below(set, plan.root);
    const std::set<io::Path> files = files_of(context, plan, shoot.folder);
    if (files.empty()) continue;
    if (context.fs.stat(set)) {
      one.there = true;
      const bool other = !report.first_time && (shoot.new_files > 0 || !shoot.changed.empty() || !shoot.gone.empty());
      if (other) {
        one.problem = "it was made for what was there before";
        one.next = fmt::format("darkshelf par2 verify {}   (and when all is well remove it, and adopt --protect again)",
                               core::shell_quote(set.string()));
      }
      all.push_back(std::move(one));
      continue;
    }
    for (const io::Path& file : files) one.bytes += context.fs.stat(file).value_or(io::Stat{}).bytes;
    if (files.size() > kMostSlices) {
      one.problem = fmt::format("{} are more than a PAR2 set holds", core::count_of(files.size(), "file"));
      one.next = fmt::format("darkshelf seal {} --to DRIVE", core::shell_quote((plan.root / shoot.folder).string()));
      all.push_back(std::move(one));
      continue;
    }
    const auto needed = static_cast<std::uint64_t>(static_cast<double>(one.bytes) * (percent + 2) / 100) + (16 << 20);
    if (const std::uint64_t free = context.fs.space(plan.root).free; free < needed) {
      throw Error(
          Code::kNoSpace,
          fmt::format("{} has {} free, and the recovery data of {} take up to {}", core::printable(plan.drive.label),
                      core::format_size(free), core::printable(shoot.title), core::format_size(needed)),
          "what was made stays; make room, and type the same command again");
    }
    parity::CreateRequest request;
    request.set = set;
    request.files.assign(files.begin(), files.end());
    request.percent = percent;
    // A file takes a slice at least; the more there are, the more scattered damage the same data mend.
    request.slices = static_cast<std::uint32_t>(
        std::clamp<std::size_t>(files.size() * 3, std::min<std::size_t>(2000, kMostSlices), kMostSlices));
    parity::create_set(context.fs, request, context.work);
    core::stop_point("adopt.protected");
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace darkshelf::rituals
