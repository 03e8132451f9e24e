#include "rituals/thumbnails.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "catalog/thumbnails.hpp"
#include "core/text.hpp"
#include "volume/tar_reader.hpp"
#include "volume/tar_writer.hpp"

namespace darkshelf::rituals {

namespace fd = formats::drive;
namespace fv = formats::volume;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kTogether = 500;  // in one transaction: some megabytes

std::string remembered_as(const core::Uuid& volume) { return "thumbnails/" + volume.text(); }
bool has_some(Context& context, const core::Uuid& volume) {
  return !context.catalog.remembered(remembered_as(volume)).empty();
}

io::Path folder_on(const io::Path& root) { return root / std::string(fd::kCatalogFolder) / "thumbnails"; }
std::string tar_name(const catalog::Volume& volume) {
  return volume.folder.substr(volume.folder.rfind('/') + 1) + ".tar";
}

/// Puts them into the catalog's file as they come.
class Keeper {
 public:
  explicit Keeper(Context& context) : kept_(catalog::Thumbnails::for_writing(context.fs, context.catalog.path())) {}
  void add(const digest::Sha256& of, core::Bytes jpeg) {
    waiting_.push_back({of, std::move(jpeg)});
    ++count_;
    if (waiting_.size() == kTogether) flush();
  }
  std::uint64_t finish() {
    flush();
    return count_;
  }

 private:
  void flush() {
    if (!waiting_.empty()) kept_.put(waiting_);
    waiting_.clear();
  }
  catalog::Thumbnails kept_;
  std::vector<catalog::Thumbnail> waiting_;
  std::uint64_t count_ = 0;
};

void note_lost(Context& context, const std::string& what, const Error& error) {
  context.note(fmt::format("{}: {}", what, error.what()), "nothing else depends on them");
}

/// One tar, complete or not there at all.
void write_tar(Context& context, const io::Path& folder, const catalog::Volume& volume, catalog::Thumbnails& kept) {
  const io::Path fresh = folder / (".new-" + tar_name(volume));
  if (context.fs.stat(fresh)) context.fs.remove_file(fresh);  // of a run that was killed
  const auto file = context.fs.create(fresh);
  try {
    std::uint64_t end = 0;
    std::size_t count = 0;
    volume::TarWriter tar([&](core::ByteSpan bytes) {
      file->write_at(end, bytes);
      end += bytes.size();
    });
    for (const fv::Member& member : context.catalog.members_of(volume.info.volume)) {
      if (member.type != fv::MemberType::kFile || member.photo.empty()) continue;
      context.work.check();
      const auto jpeg = kept.get(member.sha256);
      if (!jpeg) continue;
      fv::Member shown;
      shown.path = member.path + ".jpg";
      shown.bytes = jpeg->size();
      shown.mtime_ns = member.mtime_ns;
      tar.begin(shown);
      tar.data(*jpeg);
      ++count;
    }
    tar.finish();
    if (count == 0) {
      context.fs.remove_file(fresh);
      return;
    }
    file->sync();
    context.fs.rename(fresh, folder / tar_name(volume));
  } catch (...) {
    try {
      context.fs.remove_file(fresh);
    } catch (const Error&) {  // the next visit removes it
    }
    throw;
  }
}

}  // namespace

void keep_thumbnails(Context& context, const core::Uuid& volume, const std::vector<fv::Member>& members,
                     const std::vector<PhotoRecords::Thumbnail>& thumbnails, ThumbnailSpool& spool) {
  if (thumbnails.empty()) return;
  try {
    std::map<std::string_view, const digest::Sha256*> digests;
    for (const fv::Member& member : members) {
      if (member.type == fv::MemberType::kFile) digests[member.path] = &member.sha256;
    }
    Keeper keeper(context);
    for (const PhotoRecords::Thumbnail& thumbnail : thumbnails) {
      const auto of = digests.find(thumbnail.path);
      if (of != digests.end()) keeper.add(*of->second, spool.get(thumbnail.at));
    }
    context.catalog.remember(remembered_as(volume), std::to_string(keeper.finish()));
  } catch (const Error& error) {
    if (core::ends_all(error)) throw;
    note_lost(context, "thumbnails were not kept", error);
  }
}

namespace {

void bring_up_to_date(Context& context, const AttachedDrive& drive) {
  const io::Path folder = folder_on(drive.root);
  std::optional<catalog::Thumbnails> kept;
  std::set<std::string> here;
  bool written = false;
  for (const catalog::Volume& volume : context.catalog.volumes_on(drive.drive.id)) {
    here.insert(tar_name(volume));
    if (!has_some(context, volume.info.volume) || context.fs.stat(folder / tar_name(volume))) continue;
    if (!kept) kept = catalog::Thumbnails::for_reading(context.fs, context.catalog.path());
    if (!kept) break;
    context.fs.make_dirs(folder);
    write_tar(context, folder, volume, *kept);
    written = true;
  }
  if (written) context.fs.sync_dir(folder);
  if (!io::look_at(context.fs, folder).is(io::FileType::kDirectory)) return;
  std::set<std::string> gone;
  for (const catalog::Volume& volume : context.catalog.volumes()) {
    if (!here.contains(tar_name(volume))) gone.insert(tar_name(volume));
  }
  for (const io::Entry& entry : io::list_if_readable(context.fs, folder).value_or(std::vector<io::Entry>{})) {
    const bool left = entry.name.starts_with(".new-");
    if (entry.type == io::FileType::kRegular && (left || gone.contains(entry.name)))
      context.fs.remove_file(folder / entry.name);
  }
}

}  // namespace

void write_thumbnails(Context& context, const AttachedDrive& drive) {
  if (drive.drive.catalog_mode == "none") return;
  try {
    bring_up_to_date(context, drive);
  } catch (const Error& error) {
    if (core::ends_all(error)) throw;
    note_lost(context, fmt::format("thumbnails were not all put on {}", drive.drive.label), error);
  }
}

std::uint64_t take_thumbnails(Context& context, const io::Path& root) {
  const io::Path folder = folder_on(root);
  if (!io::look_at(context.fs, folder).is(io::FileType::kDirectory)) return 0;
  const auto entries = io::list_if_readable(context.fs, folder);
  if (!entries) return 0;
  std::set<std::string> there;
  for (const io::Entry& entry : *entries) {
    if (entry.type == io::FileType::kRegular) there.insert(entry.name);
  }
  std::uint64_t taken = 0;
  for (const catalog::Volume& volume : context.catalog.volumes()) {
    if (!there.contains(tar_name(volume)) || has_some(context, volume.info.volume)) continue;
    std::map<std::string, digest::Sha256> photos;
    for (const fv::Member& member : context.catalog.members_of(volume.info.volume)) {
      if (member.type == fv::MemberType::kFile && !member.photo.empty()) photos[member.path + ".jpg"] = member.sha256;
    }
    std::uint64_t count = 0;
    try {
      Keeper keeper(context);
      const auto tar = context.fs.open_read(folder / tar_name(volume));
      volume::read_small_tar(*tar, catalog::kMostThumbnailBytes, [&](const std::string& path, core::Bytes jpeg) {
        context.work.check();
        const auto photo = photos.find(path);
        if (photo != photos.end()) keeper.add(photo->second, std::move(jpeg));
        return true;
      });
      count = keeper.finish();
    } catch (const Error& error) {
      if (core::ends_all(error)) throw;
      note_lost(context, fmt::format("the thumbnails in {} were not all taken in", tar_name(volume)), error);
    }
    if (count > 0) context.catalog.remember(remembered_as(volume.info.volume), std::to_string(count));
    taken += count;
  }
  return taken;
}

}  // namespace darkshelf::rituals
