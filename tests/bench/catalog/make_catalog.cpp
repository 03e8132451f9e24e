// A catalog like that of a photographer of twelve years, made up from a seed and recorded as darkshelf itself records:
//   make_catalog FILE [--photos 1000000] [--shoots 2000] [--drives 60] [--seed 1]
// Each shoot comes to three rows of drives (the third, off-site, gets half of the volumes); a full drive is followed by
// the next of its row; drives are checked every third year.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "core/error.hpp"
#include "made_photos.hpp"

namespace darkshelf::bench {
namespace {

using std::chrono::hours;

struct Options {
  std::string file;
  std::size_t photos = 1'000'000, shoots = 2'000, drives = 60;
  std::uint64_t seed = 1;
};

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

struct HeldVolume {
  core::Uuid id;
  std::uint32_t slices = 0;
};
struct MadeDrive {
  core::Uuid id;
  core::Time next_check{};
  bool lost = false;
  catalog::Evidence evidence;
  std::vector<HeldVolume> volumes;
};

class Shelf {
 public:
  explicit Shelf(const Options& options)
      : options_(options),
        chance_(options.seed),
        photos_(chance_),
        world_(*core::parse_date("2015-01-01"), options.seed),
        catalog_(catalog::Catalog::create(io::posix(), options.file, world_, "make_catalog")) {
    for (std::size_t i = 0; i < kPlaces.size(); ++i)
      places_.push_back(
          catalog_.record_place(kPlaces[i], i >= kFirstOffsite, i == 4 ? "box 211, key in the desk" : "").id);
  }

  void fill() {
    const std::vector<MadeShoot> shoots = make_shoots(options_.shoots, options_.photos, chance_);
    for (std::size_t i = 0; i < shoots.size(); ++i) {
      if (shoots[i].photos == 0) continue;
      world_.set_now(shoots[i].day + hours(72));
      check_drives();
      seal(shoots[i], i);
    }
    last_words();
  }

  std::uint64_t photos = 0, files = 0, volumes = 0, copies = 0, checks = 0;
  double recording = 0;  // seconds in record_volume

 private:
  static constexpr std::size_t kRows = 3;

  /// The drive of a row that is being filled when shoot number `shoot` comes.
  MadeDrive& current(std::size_t row, std::size_t shoot) {
    const std::size_t in_row = std::max<std::size_t>((options_.drives + kRows - 1 - row) / kRows, 1);
    const std::size_t number = shoot * in_row / options_.shoots;
    std::vector<MadeDrive>& drives = rows_[row];
    while (drives.size() <= number) {
      if (!drives.empty()) full(drives.back(), row);
      drives.push_back(buy(drives.size(), row));
    }
    return drives[number];
  }

  MadeDrive buy(std::size_t number, std::size_t row) {
    constexpr std::array kKinds = {"hdd", "hdd", "ssd", "hdd", "hdd", "nas", "hdd", "flash"};
    constexpr std::array kModels = {"WDC WD80EFZX-68UW8N0", "ST8000VN004-2M2101", "TOSHIBA HDWG480",
                                    "Samsung SSD 870 QVO 8TB"};
    MadeDrive drive;
    drive.id = world_.new_id();
    const std::string kind = kKinds[(number + row) % kKinds.size()];
    drive.evidence.fs_id = world_.new_id().text();
    drive.evidence.fs_type = kind == "nas" ? "nfs4" : number % 3 == 0 ? "exfat" : "ext4";
    drive.evidence.model = kModels[(number * 3 + row) % kModels.size()];
    drive.evidence.serial = fmt::format("WX{:08X}", chance_.next() >> 32);
    drive.evidence.disk = drive.evidence.model + " " + drive.evidence.serial;
    drive.evidence.bytes = 8'001'563'222'016;
    drive.evidence.path = "/media/anna/" + drive_label(number, row);
    drive.next_check = world_.now() + kBetweenChecks + hours(24 * chance_.below(60));
    catalog::NewDrive fresh;
    fresh.id = drive.id;
    fresh.label = drive_label(number, row);
    fresh.kind = kind;
    fresh.note = number % 5 == 0 ? "bought with its twin, same batch" : "";
    fresh.place = places_[row == 0 ? number % 2 : row == 1 ? 2 : number % 2 == 0 ? 3 : 4];
    fresh.evidence = drive.evidence;
    catalog_.record_drive(fresh);
    return drive;
  }

  void full(const MadeDrive& drive, std::size_t row) {
    if (!drive.lost) catalog_.record_drive_returned(drive.id);
    if (row == 1 && chance_.one_of(0.3)) catalog_.record_drive_moved(drive.id, places_[3 + chance_.below(2)]);
  }

  void seal(const MadeShoot& shoot, std::size_t number) {
    std::vector<MadeVolume> parts = photos_.volumes_of(shoot);
    const core::Uuid group = world_.new_id(), id = world_.new_id();
    for (std::size_t row = 0; row < kRows; ++row) {
      MadeDrive& drive = current(row, number);
      catalog_.record_drive_seen(drive.id, drive.evidence);
    }
    const bool in_third_row = chance_.one_of(0.5);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const catalog::Volume volume = volume_of(shoot, parts[part], group, id, part + 1, parts.size());
      const auto began = std::chrono::steady_clock::now();
      catalog_.record_volume(volume, parts[part].members);
      recording += seconds_since(began);
      previous_ = core::to_hex(volume.seal);
      photos += parts[part].photos;
      files += parts[part].files;
      ++volumes;
      for (std::size_t row = 0; row < kRows; ++row) {
        if (row == 2 && !in_third_row) continue;
        MadeDrive& drive = current(row, number);
        catalog_.record_copy(volume.info.volume, drive.id, world_.now(), false);
        drive.volumes.push_back({volume.info.volume, volume.info.slices});
        ++copies;
      }
    }
    describe(id, shoot);
  }

  catalog::Volume volume_of(const MadeShoot& shoot, const MadeVolume& made, const core::Uuid& group,
                            const core::Uuid& id, std::size_t part, std::size_t parts) {
    catalog::Volume volume;
    fv::BagInfo& info = volume.info;
    info.volume = world_.new_id();
    info.group = group;
    info.shoot = id;
    info.shoot_name = info.title = shoot.name;
    if (!shoot.date.empty()) {
      info.shoot_date = shoot.date;
      info.title = shoot.name.substr(shoot.date.size() + 1);
    }
    info.part = static_cast<unsigned>(part);
    info.parts = static_cast<unsigned>(parts);
    const fv::Member& last = made.members.back();
    info.payload_bytes = core::round_up(last.header_offset + 512 + core::round_up(last.bytes, 512) + 1024, 10'240);
    info.payload_files = 1;
    info.content_bytes = made.bytes;
    info.content_files = made.files;
    info.photos = made.photos;
    info.slice_bytes = core::round_up(std::max<std::uint64_t>(info.payload_bytes / 2000, 4096), 4096);
    info.slices = static_cast<std::uint32_t>(core::divide_up(info.payload_bytes, info.slice_bytes));
    info.recovery_slices = (info.slices + 9) / 10;
    info.tag_slice_bytes = 4096;
    info.tag_recovery_slices = 40;
    info.writer = catalog_.writer();
    info.sequence = ++sequence_;
    info.previous_seal = previous_;
    info.creator = "darkshelf 0.1";
    info.sealed = world_.now();
    if (fv::decode_bag_info(fv::encode_bag_info(info)).volume != info.volume)
      throw core::Error(core::Code::kFailed, "a made-up bag-info.txt does not come back as it was");
    std::vector<fv::ManifestEntry> tags;
    for (const std::string_view name : fv::kTagFiles)
      tags.push_back({chance_.bytes<digest::Sha256>(), std::string(name)});
    volume.tagmanifest = fv::encode_manifest(std::move(tags));
    volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
    volume.folder = fv::year_folder(info) + "/" + fv::folder_name(info);
    volume.bytes_on_drive = info.payload_bytes + info.payload_bytes / 10;
    return volume;
  }

  void describe(const core::Uuid& id, const MadeShoot& shoot) {
    if (chance_.one_of(0.03)) catalog_.record_shoot_renamed(id, shoot.name + " " + word(chance_.below(kWords)));
    if (chance_.one_of(0.1)) {
      catalog_.record_shoot_note(id, fmt::format("album delivered, {} {} {}", word(chance_.below(50)),
                                                 word(chance_.below(kWords)), word(chance_.below(kWords))));
    }
    if (chance_.one_of(0.02)) catalog_.record_shoot_keep(id, 3);
  }

  /// Every drive whose day has come is read from end to end; one visit in forty finds something, and it is mended.
  void check_drives() {
    for (std::vector<MadeDrive>& row : rows_) {
      for (MadeDrive& drive : row) {
        if (drive.lost || drive.volumes.empty() || world_.now() < drive.next_check) continue;
        drive.next_check = world_.now() + kBetweenChecks;
        catalog::Scrub scrub;
        scrub.id = world_.new_id();
        scrub.check = scrub.id;
        scrub.drive = drive.id;
        scrub.started = world_.now();
        scrub.ended = world_.now();
        scrub.complete = true;
        for (const HeldVolume& volume : drive.volumes)
          scrub.volumes.push_back({volume.id, 0, volume.slices, true, catalog::CopyHealth::kGood});
        const bool bad = chance_.one_of(1.0 / 40);
        catalog::ScrubbedVolume& hit = scrub.volumes[chance_.below(scrub.volumes.size())];
        if (bad) {
          hit.health = catalog::CopyHealth::kDamaged;
          scrub.findings.push_back({drive.id, hit.volume, "damaged", "darkshelf/payload.tar", 17, 2, "{\"photos\":1}"});
        }
        catalog_.record_scrub(scrub);
        if (bad) catalog_.record_repair(drive.id, hit.volume, 2, "{}");
        checks += scrub.volumes.size();
      }
    }
  }

  /// How the drives are today: some lent, one lost.
  void last_words() {
    world_.set_now(world_.now() + hours(24));
    std::size_t number = 0;
    for (std::vector<MadeDrive>& row : rows_) {
      for (MadeDrive& drive : row) {
        ++number;
        if (number % 19 == 7)
          catalog_.record_drive_lent(drive.id, number % 2 == 0 ? "Jørgensen Print" : "Marie Dubois");
        if (number == 5) catalog_.record_drive_marked(drive.id, "lost");
      }
    }
  }

  static constexpr hours kBetweenChecks{24 * 1095};

  const Options& options_;
  Chance chance_;
  PhotoMaker photos_;
  core::SteadyWorld world_;
  catalog::Catalog catalog_;
  std::vector<core::Uuid> places_;
  std::array<std::vector<MadeDrive>, kRows> rows_;
  std::uint64_t sequence_ = 0;
  std::string previous_;
};

Options options_from(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (!name.starts_with("--")) {
      options.file = name;
      continue;
    }
    const std::uint64_t value = i + 1 < argc ? std::stoull(argv[++i]) : 0;
    if (name == "--photos" && value > 0)
      options.photos = value;
    else if (name == "--shoots" && value > 0)
      options.shoots = value;
    else if (name == "--drives" && value > 0)
      options.drives = value;
    else if (name == "--seed")
      options.seed = value;
    else
      throw std::invalid_argument(name);
  }
  if (options.file.empty()) throw std::invalid_argument("FILE");
  return options;
}

void make(const Options& options) {
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t photos = 0, files = 0;
  double recording = 0;
  {
    Shelf shelf(options);
    shelf.fill();
    photos = shelf.photos;
    files = shelf.files;
    recording = shelf.recording;
    fmt::print("{} volumes, {} copies, {} copies checked\n", shelf.volumes, shelf.copies, shelf.checks);
  }
  const double seconds = seconds_since(began);
  const std::uint64_t bytes = io::posix().stat(options.file).value().bytes;
  fmt::print("{} photos in {} files; the catalog takes {} ({} bytes, {:.0f} a photo)\n", core::with_commas(photos),
             core::with_commas(files), core::format_size(bytes), core::with_commas(bytes),
             static_cast<double>(bytes) / static_cast<double>(photos));
  fmt::print("{:.1f} s in all, {:.1f} s of it recording volumes: {:.0f} files a second\n", seconds, recording,
             static_cast<double>(files) / recording);
}

}  // namespace
}  // namespace darkshelf::bench

int main(int argc, char** argv) {
  using namespace darkshelf;
  try {
    bench::make(bench::options_from(argc, argv));
    return 0;
  } catch (const core::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
  } catch (const std::logic_error& error) {
    fmt::print(stderr, "{}?\nmake_catalog FILE [--photos N] [--shoots N] [--drives N] [--seed N]\n", error.what());
  }
  return 1;
}
