#include "rituals/pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "core/pictures.hpp"
#include "core/text.hpp"

namespace darkshelf::rituals {

namespace fv = formats::volume;
using core::Error;

namespace {

constexpr std::size_t kFront = 16 << 10;
constexpr unsigned kAtOnce = 8;  // disks and shares answer several reads sooner than one after the other

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::vector<const volume::SourceEntry*> pictures_of(const volume::SourceShoot& source) {
  std::vector<const volume::SourceEntry*> pictures;
  for (const volume::SourceEntry& entry : source.entries) {
    if (entry.member.type == fv::MemberType::kFile && volume::is_picture(name_of(entry.member.path)))
      pictures.push_back(&entry);
  }
  return pictures;
}

core::Bytes front_of(io::FileSystem& fs, const io::Path& path, std::uint64_t most) {
  const auto file = fs.open_read(path);
  core::Bytes front(most);
  front.resize(file->read_at(0, front));
  return front;
}

}  // namespace

bool PictureLook::is_alarming() const {
  constexpr std::size_t kMany = 10;
  const auto lost = static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(), [](const PictureFinding& finding) { return finding.lost; }));
  return lost >= kMany && lost * 2 >= looked_at;
}

PictureLook look_at_pictures(Context& context, const volume::SourceShoot& source) {
  PictureLook look;
  const auto pictures = pictures_of(source);
  look.looked_at = pictures.size();
  std::vector<std::optional<PictureFinding>> found(pictures.size());
  core::parallel_for(kAtOnce, pictures.size(), [&](std::size_t i) {
    context.work.check();
    const fv::Member& member = pictures[i]->member;
    try {
      const core::Bytes front =
          front_of(context.fs, pictures[i]->source, std::min<std::uint64_t>(kFront, member.bytes));
      const auto odd = photo::picture_not_as_named(name_of(member.path), front, member.bytes);
      if (odd) found[i] = PictureFinding{member.path, odd->reason, odd->how != photo::Unlike::kOtherPicture};
    } catch (const Error& error) {
      if (core::ends_all(error)) throw;
    }
  });
  for (auto& finding : found) {
    if (finding) look.findings.push_back(std::move(*finding));
  }
  std::vector<std::string> paths;
  for (const volume::SourceEntry& entry : source.entries) {
    if (entry.member.type == fv::MemberType::kFile) paths.push_back(entry.member.path);
  }
  look.edits_missing = photo::edits_missing(photo::group_photos(paths)).value_or("");
  return look;
}

std::string capture_date(Context& context, photo::Pool& pool, const volume::SourceShoot& source) {
  constexpr std::size_t kAsked = 15;
  constexpr std::uint64_t kEnough = 1 << 20;  // nearly all cameras write it in front
  std::vector<const volume::SourceEntry*> stills;
  for (const volume::SourceEntry* entry : pictures_of(source)) {
    if (core::picture_kind(name_of(entry->member.path)) != core::PictureKind::kFilm) stills.push_back(entry);
  }
  std::vector<std::string> days;
  std::mutex mutex;
  const std::size_t asked = std::min(kAsked, stills.size());
  core::parallel_for(pool.size(), asked, [&](std::size_t i) {
    context.work.check();
    const volume::SourceEntry& entry = *stills[(2 * i + 1) * stills.size() / (2 * asked)];
    try {
      photo::Request request;
      request.name = name_of(entry.member.path);
      request.wanted = {true, false, false, false};
      for (const std::uint64_t most : {kEnough, std::uint64_t{128} << 20}) {
        const core::Bytes bytes = front_of(context.fs, entry.source, std::min(most, entry.member.bytes));
        request.picture = bytes;
        const photo::Extract extract = pool.extract(request);
        if (extract.metadata && extract.metadata->captured) {
          const std::lock_guard hold(mutex);
          days.push_back(extract.metadata->captured->text().substr(0, 10));
          return;
        }
        if (bytes.size() == entry.member.bytes || extract.failure != photo::Failure::kNone) return;
      }
    } catch (const Error& error) {
      if (core::ends_all(error)) throw;
    }
  });
  if (days.empty()) return {};
  const auto middle = days.begin() + static_cast<std::ptrdiff_t>(days.size() / 2);
  std::nth_element(days.begin(), middle, days.end());
  return core::parse_date(*middle) ? *middle : std::string();
}

}  // namespace darkshelf::rituals
