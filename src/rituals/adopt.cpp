#include "rituals/adopt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/text.hpp"
#include "io/paths.hpp"
#include "rituals/adopt_shoot.hpp"
#include "rituals/adopted_drive.hpp"
#include "rituals/drive_parts.hpp"
#include "rituals/identity_file.hpp"
#include "shelf/identity.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::uint64_t kAssumedRate = 120'000'000;              // a drive of the usual kind
constexpr std::uint64_t kWorthASample = std::uint64_t{2} << 30;  // less is read in a moment

void require_label(const catalog::Drive& drive, const AdoptRequest& request, const io::Path& root) {
  if (drive.label == request.label) return;
  throw Error(Code::kUsage,
              fmt::format("{} is known as {}", core::printable(root.string()), core::printable(drive.label)),
              fmt::format("darkshelf adopt {} --label {}   (or give it another name: darkshelf drive rename {} {})",
                          core::shell_quote(root.string()), core::shell_quote(drive.label),
                          core::shell_quote(drive.label), core::shell_quote(request.label)));
}

/// What lies in another drive would be counted twice.
void require_apart(Context& context, const io::Path& root) {
  check_not_nested(context.fs, root);
  for (const auto& [id, other] : plugged_in(context.fs, context.catalog)) {
    if (root == other || (!io::lies_in(root, other) && !io::lies_in(other, root))) continue;
    const auto drive = context.catalog.drive(id);
    if (io::lies_in(other, root) && !drive->adopted) continue;  // a drive that is a folder: its archive is left out
    throw Error(Code::kWrongDrive,
                fmt::format("{} {} {}, at {}", core::printable(root.string()),
                            io::lies_in(root, other) ? "lies in the drive" : "holds the drive",
                            core::printable(drive->label), core::printable(other.string())),
                fmt::format("darkshelf adopt {} --label {}", core::shell_quote(other.string()),
                            core::shell_quote(drive->label)));
  }
}

void tell_same_disk(Context& context, const catalog::Drive& drive) {
  for (const catalog::Drive& other : context.catalog.drives()) {
    if (other.id != drive.id && shelf::same_disk(other.evidence, drive.evidence))
      context.note(fmt::format("{} is on the same disk as {}: their copies count once.", core::printable(drive.label),
                               core::printable(other.label)),
                   "");
  }
}

AttachedDrive new_drive(Context& context, const AdoptRequest& request, const io::Path& root) {
  if (const auto likely = maybe_adopted_at(context.fs, context.catalog, root); likely && likely->label == request.label)
    throw adopted_in_doubt(*likely, root);
  check_label(context, request.label);
  require_apart(context, root);
  const io::Medium medium = io::medium_of(context.fs, root);
  catalog::NewDrive drive;
  drive.id = context.world.new_id();
  drive.label = request.label;
  drive.kind = kind_of(medium);
  drive.place = place_id(context, request.place);
  drive.evidence = evidence_of(medium, root);
  drive.adopted = true;
  context.catalog.record_drive(drive);
  core::stop_point("adopt.drive-recorded");
  context.catalog.record_drive_seen(drive.id, drive.evidence);
  tell_same_disk(context, *context.catalog.drive(drive.id));
  return attach(context, root.string(), Visit::kReadOnly);
}

AttachedDrive drive_to_adopt(Context& context, const AdoptRequest& request, const io::Path& root, bool& is_new) {
  const bool registered = identity_at(context.fs, root).has_value();
  if (!registered && !adopted_at(context.fs, context.catalog, root)) {
    is_new = true;
    return new_drive(context, request, root);
  }
  AttachedDrive drive = attach(context, root.string(), Visit::kReadOnly);
  require_label(drive.drive, request, root);
  const auto place = place_id(context, request.place);
  if (place && place != drive.drive.place) {
    context.catalog.record_drive_moved(drive.drive.id, *place);
    drive.drive = *context.catalog.drive(drive.drive.id);
  }
  return drive;
}

class Adopting {
 public:
  Adopting(Context& context, const AdoptRequest& request) : context_(context), request_(request) {}

  AdoptReport run() {
    const io::Path root = folder_given(context_.fs, request_.path);
    AttachedDrive drive = drive_to_adopt(context_, request_, root, report_.plan.is_new);
    AdoptPlan& plan = report_.plan;
    plan.drive = drive.drive;
    plan.root = drive.root;
    look_around();
    measure();
    if (request_.on_plan) request_.on_plan(plan);
    read_all();
    report_.lists = lists_->verdicts();
    report_.standing = context_.catalog.standing(drive.drive.id);
    report_.plan.drive = *context_.catalog.drive(drive.drive.id);
    return std::move(report_);
  }

 private:
  void look_around() {
    AdoptPlan& plan = report_.plan;
    context_.work.told().begin(fmt::format("looking at {}", core::printable(plan.root.string())), 0);
    KnownFolders known = known_folders(context_, plan.drive);
    report_.first_time = known.empty();
    const std::string name = plan.drive.label;
    std::set<std::string> there;
    std::vector<std::pair<std::string, io::Path>> lists;
    for (FoundShoot& found : find_all(context_.fs, plan.root, request_.each, name, context_.work)) {
      take_notes(found, there, lists);
      if (found.source.files == 0 && !known.contains(found.folder)) continue;
      const bool counted = found.source.files > 0 && !found.loose;
      plan.shoots += counted ? 1 : 0;
      plan.files += found.source.files;
      plan.photos += found.source.photos;
      plan.bytes += found.source.bytes;
      if (found.loose) plan.loose_files = found.source.files;
      const auto of_it = known.find(found.folder);
      intakes_.emplace_back(std::move(found),
                            of_it == known.end() ? std::vector<KnownPart>{} : std::move(of_it->second),
                            request_.names_only);
      if (of_it != known.end()) known.erase(of_it);
      plan.to_read_files += intakes_.back().files_to_read();
      plan.to_read_bytes += intakes_.back().bytes_to_read();
    }
    take_leave(std::move(known));
    for (const io::Path& mount : io::mounts_in(context_.fs, plan.root)) {
      if (mount != plan.root)
        report_.left_out.push_back({io::below(mount, plan.root), "another drive is mounted there"});
    }
    read_lists(std::move(there), lists);
    context_.work.told().end();
  }

  std::string below(const FoundShoot& found, const std::string& path) const {
    const std::size_t slash = path.find('/');
    const std::string rest = slash == std::string::npos ? "" : path.substr(slash + 1);
    return found.folder.empty() ? rest : rest.empty() ? found.folder : found.folder + "/" + rest;
  }

  void take_notes(const FoundShoot& found, std::set<std::string>& there,
                  std::vector<std::pair<std::string, io::Path>>& lists) {
    for (const fv::LeftOut& left : found.source.left_out)
      report_.left_out.push_back({below(found, left.path), left.reason});
    for (const fv::LeftOut& left : found.source.unreadable)
      report_.unreadable.push_back({below(found, left.path), left.reason});
    for (const volume::SourceEntry& entry : found.source.entries) {
      if (entry.member.type != fv::MemberType::kFile) continue;
      const std::string path = below(found, entry.member.path);
      if (!request_.names_only && is_checksum_list(entry.source.filename().string()))
        lists.emplace_back(path, entry.source);
      there.insert(path);
    }
  }

  /// Folders that are no shoots any more: moved, removed, or part of another one now.
  void take_leave(KnownFolders gone) {
    for (auto& [folder, parts] : gone) {
      FoundShoot nothing;
      nothing.folder = folder;
      nothing.source.name = parts.front().members.empty() ? folder
                                                          : parts.front().members.front().path.substr(
                                                                0, parts.front().members.front().path.find('/'));
      intakes_.emplace_back(std::move(nothing), std::move(parts), request_.names_only);
    }
  }

  void read_lists(std::set<std::string> there, const std::vector<std::pair<std::string, io::Path>>& lists) {
    constexpr std::uint64_t kLongestList = std::uint64_t{256} << 20;
    lists_.emplace(std::move(there));
    for (const auto& [path, source] : lists) {
      try {
        const auto stat = context_.fs.stat(source);
        lists_->add(path, io::read_text(context_.fs, source, kLongestList), stat ? stat->mtime_ns : 0);
      } catch (const Error& error) {
        if (core::ends_all(error)) throw;
        lists_->add_unreadable(path, error.what());
      }
      report_.plan.lists.push_back(path);
    }
  }

  /// How long it is going to take: by a sample, where it is worth one.
  void measure() {
    AdoptPlan& plan = report_.plan;
    plan.rate = kAssumedRate;
    if (plan.to_read_bytes >= kWorthASample) sample();
    // Each file costs a seek or two besides; on a disk that turns some milliseconds.
    const double seeks = static_cast<double>(plan.to_read_files) * (plan.drive.kind == "hdd" ? 0.012 : 0.0005);
    plan.estimate = std::chrono::seconds(
        static_cast<std::int64_t>(static_cast<double>(plan.to_read_bytes) / static_cast<double>(plan.rate) + seeks));
  }

  void sample() {
    constexpr std::size_t kFiles = 32, kPiece = 8 << 20;
    constexpr auto kLong = std::chrono::milliseconds(1500);
    std::vector<io::Path> paths;
    for (const ShootIntake& intake : intakes_) {
      const std::vector<io::Path> more = intake.paths_to_read();
      paths.insert(paths.end(), more.begin(), more.end());
    }
    const auto began = std::chrono::steady_clock::now();
    core::AlignedBuffer buffer(kPiece);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < kFiles && !paths.empty(); ++i) {
      context_.work.check();
      if (std::chrono::steady_clock::now() - began > kLong) break;
      try {
        const auto file = context_.fs.open_read(paths[i * paths.size() / kFiles], io::ReadMode::kDirect);
        bytes += file->read_at(0, buffer.span());
      } catch (const Error& error) {
        if (core::ends_all(error)) throw;
      }
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (bytes < kPiece || seconds <= 0) return;
    report_.plan.rate =
        std::max<std::uint64_t>(1'000'000, static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds));
    report_.plan.rate_measured = true;
  }

  void read_all() {
    const auto began = std::chrono::steady_clock::now();
    std::optional<photo::Pool> pool;
    if (!request_.names_only && report_.plan.to_read_files > 0)
      pool.emplace(photo::PoolOptions{context_.work.threads, {}, std::uint64_t{1} << 30, {}});
    FileReader reader(context_, pool ? &*pool : nullptr);
    KnownShoots shoots(context_.catalog);
    context_.work.told().begin(
        request_.names_only ? "taking in names" : fmt::format("reading {}", report_.plan.drive.label),
        report_.plan.to_read_bytes);
    try {
      for (ShootIntake& intake : intakes_) {
        context_.work.check();
        report_.shoots.push_back(
            intake.take_in(context_, request_, report_.plan.drive, reader, *lists_, shoots, report_));
      }
    } catch (const Error& error) {
      context_.work.told().end();
      if (error.code() == Code::kCancelled) throw Error(Code::kCancelled, how_far());
      throw;
    }
    context_.work.told().end();
    for (const AdoptedShoot& shoot : report_.shoots) report_.files_read += shoot.hashed;
    report_.bytes_read = reader.bytes_read();
    report_.took = std::chrono::steady_clock::now() - began;
    std::erase_if(report_.shoots, [](const AdoptedShoot& shoot) {
      return shoot.files == 0 && shoot.changed.empty() && shoot.gone.empty();
    });
  }

  /// What is in the catalog of the drive stays there.
  std::string how_far() {
    std::uint64_t photos = 0, files = 0;
    for (const catalog::Volume& volume :
         context_.catalog.volumes_on(report_.plan.drive.id, catalog::Volumes::kAdopted)) {
      photos += volume.info.photos;
      files += volume.info.content_files;
    }
    return fmt::format("stopped; {} of {} are taken in, of {}", photos_and_files(photos, files),
                       core::printable(report_.plan.drive.label),
                       photos_and_files(report_.plan.photos, report_.plan.files));
  }

  Context& context_;
  const AdoptRequest& request_;
  AdoptReport report_;
  std::vector<ShootIntake> intakes_;
  std::optional<ChecksumLists> lists_;
};

}  // namespace

AdoptReport adopt(Context& context, const AdoptRequest& request) { return Adopting(context, request).run(); }

}  // namespace darkshelf::rituals
