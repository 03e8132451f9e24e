#pragma once
// Shoots as a photographer has them, made up from a seed: names, folders, files and what each photo says of itself.

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "core/text.hpp"
#include "formats/volume/tag_files.hpp"
#include "photo/record.hpp"
#include "vocabulary.hpp"

namespace darkshelf::bench {

namespace fv = formats::volume;

inline constexpr std::uint64_t kMostInAVolume = std::uint64_t{8} << 30;

struct MadeShoot {
  std::string name, date;  // the folder's name; "" for no date
  core::Time day{};
  std::size_t photos = 0;
  std::vector<std::string> parts;  // folders inside, in their order
};
/// A part of a shoot that is one volume.
struct MadeVolume {
  std::vector<fv::Member> members;
  std::uint64_t bytes = 0, files = 0, photos = 0;
};

/// Twelve years of shoots in the order of their days; how many photos each has is log-normal, and all have `photos`.
inline std::vector<MadeShoot> make_shoots(std::size_t count, std::size_t photos, Chance& chance) {
  constexpr std::array kNames = {"Smith",   "Müller", "García",    "Weiß",   "Dubois", "Nowak", "Jørgensen", "O'Brien",
                                 "Schäfer", "Rossi",  "Lindqvist", "Kovács", "Tanaka", "Hug",   "Brändli",   "Lefèvre"};
  constexpr std::array kWhat = {"wedding",    "Hochzeit", "portraits", "family",
                                "engagement", "Taufe",    "concert",   "Firmenfest"};
  constexpr std::array kWhere = {"Île de Ré", "Zürich",   "Engadin",  "Iceland",     "Kraków", "写真 京都",
                                 "Patagonia", "Lofoten",  "Bodensee", "Côte d'Azur", "Oaxaca", "Rügen",
                                 "Skye",      "Dolomiti", "東京",     "Harz"};
  const std::vector<std::vector<std::string>> folders = {{"Fest", "Paare", "Trauung"},
                                                         {"Ceremony", "Getting ready", "Party"},
                                                         {},
                                                         {"Selects"},
                                                         {"Tag 1", "Tag 2", "Tag 3"}};
  const core::Time first = *core::parse_date("2015-01-01");
  std::vector<std::size_t> days(count);
  for (std::size_t& day : days) day = chance.below(12 * 365);
  std::sort(days.begin(), days.end());
  std::vector<double> sizes(count);
  double sum = 0;
  for (double& size : sizes) sum += size = std::exp(0.9 * chance.normal());
  std::vector<MadeShoot> shoots(count);
  double given = 0;
  std::size_t done = 0;
  for (std::size_t i = 0; i < count; ++i) {
    MadeShoot& shoot = shoots[i];
    shoot.day = first + std::chrono::hours(24 * days[i]);
    const bool client = chance.one_of(0.7);
    const std::string name = client ? fmt::format("{} {}", chance.any(kNames), chance.any(kWhat))
                                    : fmt::format("{} {}", chance.any(kWhere), word(chance.below(kWords)));
    if (!chance.one_of(0.04)) shoot.date = core::format_date(shoot.day);
    shoot.name = shoot.date.empty() ? name : shoot.date + " " + name;
    shoot.parts = chance.any(folders);
    given += sizes[i];
    const auto until = static_cast<std::size_t>(std::llround(given / sum * static_cast<double>(photos)));
    shoot.photos = until - done;
    done = until;
  }
  return shoots;
}

class PhotoMaker {
 public:
  explicit PhotoMaker(Chance& chance) : chance_(chance) {}

  /// All the files of a shoot, cut where a volume is full; no photo is torn apart.
  std::vector<MadeVolume> volumes_of(const MadeShoot& shoot) {
    const Camera& camera = kCameras[std::min(chance_.below(kCameras.size()), chance_.below(kCameras.size()))];
    const std::size_t first_lens = chance_.below(kLenses.size());
    const photo::Position about{chance_.share() * 100 - 40, chance_.share() * 240 - 120, {}};
    std::int64_t clock =
        std::chrono::duration_cast<std::chrono::seconds>(shoot.day.time_since_epoch()).count() + 32'400;
    const bool timed = !shoot.date.empty() || chance_.one_of(0.5);
    const std::size_t folders = std::max<std::size_t>(shoot.parts.size(), 1);
    std::vector<MadeVolume> volumes(1);
    for (std::size_t i = 0; i < shoot.photos; ++i) {
      std::string folder = shoot.name;
      if (!shoot.parts.empty()) folder += "/" + shoot.parts[i * folders / shoot.photos];
      if (shoot.photos > kNumbers) folder += fmt::format("/Card {:03}", i / kNumbers + 1);  // numbers begin again
      clock += static_cast<std::int64_t>(1 + chance_.below(60));
      std::vector<fv::Member> files = files_of(camera, folder, clock);
      photo::Record record = describe(camera, about, first_lens);
      if (timed) record.metadata->captured = captured(clock);
      files.front().photo = photo::to_json(record);
      std::uint64_t bytes = 0;
      for (const fv::Member& file : files) bytes += file.bytes;
      if (volumes.back().bytes + bytes > kMostInAVolume) volumes.emplace_back();
      MadeVolume& volume = volumes.back();
      volume.bytes += bytes;
      volume.files += files.size();
      volume.photos += 1;
      for (fv::Member& file : files) volume.members.push_back(std::move(file));
    }
    for (MadeVolume& volume : volumes) finish(volume);
    return volumes;
  }

 private:
  static constexpr std::size_t kNumbers = 9000;

  std::vector<fv::Member> files_of(const Camera& camera, const std::string& folder, std::int64_t clock) {
    number_ = number_ % 9999 + 1;
    const std::string base = folder + "/" + fmt::format(fmt::runtime(camera.name), number_);
    const std::size_t raw_bytes =
        camera.megabytes * std::size_t{800'000} + chance_.below(camera.megabytes * std::size_t{400'000});
    std::vector<fv::Member> files{file(base + "." + camera.extension, raw_bytes, clock)};
    if (chance_.one_of(0.5)) {
      files.push_back(file(base + ".JPG", raw_bytes / 4 + chance_.below(1'000'000), clock));
      files.back().photo = photo::to_json(photo::Record{{}, image("jpeg-1", files.back().bytes)});
    }
    if (chance_.one_of(0.6)) files.push_back(file(base + ".xmp", 3'000 + chance_.below(9'000), clock + 86'400));
    return files;
  }

  fv::Member file(std::string path, std::uint64_t bytes, std::int64_t clock) {
    fv::Member member;
    member.path = std::move(path);
    member.bytes = bytes;
    member.mtime_ns = clock * 1'000'000'000 + static_cast<std::int64_t>(chance_.below(1'000'000'000));
    member.sha256 = chance_.bytes<digest::Sha256>();
    return member;
  }

  photo::ImageDigest image(const char* method, std::uint64_t file_bytes) {
    return {method, chance_.bytes<digest::Sha256>(), file_bytes - 20'000};
  }

  photo::CaptureTime captured(std::int64_t clock) {
    photo::CaptureTime time;
    time.local_seconds = clock;
    time.digits = 2;
    time.nanoseconds = static_cast<std::uint32_t>(chance_.below(100)) * 10'000'000;
    time.zone = static_cast<std::int16_t>(clock / 15'778'800 % 2 == 0 ? 60 : 120);
    return time;
  }

  photo::Record describe(const Camera& camera, const photo::Position& about, std::size_t first_lens) {
    constexpr std::array kApertures = {1.4, 1.8, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0};
    constexpr std::array kTimes = {1 / 4000., 1 / 1000., 1 / 500., 1 / 250., 1 / 125., 1 / 60., 1 / 15., 0.5, 2.};
    constexpr std::array kIso = {64u, 100u, 200u, 400u, 800u, 1600u, 3200u, 6400u};
    constexpr std::array kColours = {"Red", "Yellow", "Green", "Blue", "Purple"};
    photo::Metadata out;
    out.make = camera.make;
    out.model = camera.model;
    const Lens& lens = kLenses[(first_lens + chance_.below(3)) % kLenses.size()];
    out.lens = lens.name;
    out.exposure.seconds = chance_.any(kTimes);
    out.exposure.f_number = chance_.any(kApertures);
    out.exposure.focal_mm = static_cast<double>(lens.shortest + chance_.below(lens.longest - lens.shortest + 1));
    out.exposure.iso = chance_.any(kIso);
    out.orientation = chance_.one_of(0.3) ? 8 : 1;
    out.width = camera.width;
    out.height = camera.height;
    if (chance_.one_of(0.25)) {
      out.position = photo::Position{about.latitude + chance_.share() / 50, about.longitude + chance_.share() / 50,
                                     std::round(chance_.share() * 2000)};
    }
    if (chance_.one_of(0.6)) out.rating = static_cast<std::int8_t>(std::min(chance_.below(6), chance_.below(6)));
    if (chance_.one_of(0.1)) out.label = chance_.any(kColours);
    std::set<std::size_t> ranks;
    for (std::size_t n = chance_.below(13); n > 0; --n) ranks.insert(keywords_.draw(chance_.share()));
    for (const std::size_t rank : ranks) {
      out.keywords.push_back(keyword(rank));
      if (std::string path = keyword_path(rank); !path.empty()) out.keyword_paths.push_back(std::move(path));
    }
    if (chance_.one_of(0.1)) {
      out.title = sentence(2 + chance_.below(4));
      out.caption = sentence(10 + chance_.below(31));
    }
    return {out, image(camera.digest, camera.megabytes * std::uint64_t{900'000})};
  }

  std::string sentence(std::size_t words) {
    std::string out;
    for (; words > 0; --words) out += (out.empty() ? "" : " ") + word(words_.draw(chance_.share()));
    return out;
  }

  /// Folders, order and places in the tar.
  static void finish(MadeVolume& volume) {
    std::set<std::string> folders;
    for (const fv::Member& file : volume.members) {
      for (std::size_t at = file.path.find('/'); at != std::string::npos; at = file.path.find('/', at + 1))
        folders.insert(file.path.substr(0, at));
    }
    for (const std::string& path : folders) {
      fv::Member folder;
      folder.type = fv::MemberType::kDirectory;
      folder.path = path;
      folder.mode = 0755;
      volume.members.push_back(std::move(folder));
    }
    std::sort(volume.members.begin(), volume.members.end(),
              [](const fv::Member& a, const fv::Member& b) { return a.path < b.path; });
    std::uint64_t at = 0;
    for (fv::Member& member : volume.members) {
      member.header_offset = at;
      if (member.type == fv::MemberType::kFile) member.offset = at + 512;
      at += 512 + core::round_up(member.bytes, 512);
    }
  }

  Chance& chance_;
  Zipf keywords_{kKeywords}, words_{kWords};
  unsigned number_ = 0;
};

}  // namespace darkshelf::bench
