// docs/shelf-of-twelve.md: what it shows is what the program prints, character for character. The shelf is made through
// the catalog, as four years of sealing and checking would have left it; the commands are typed by a person who has no
// drive plugged in. With DARKSHELF_RENEW_DOCUMENTS=1 the document is written anew.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "catalog/catalog.hpp"
#include "core/text.hpp"
#include "support/damage.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"
#include "support/temp_dir.hpp"

namespace darkshelf::testing {
namespace {

namespace fv = formats::volume;
using catalog::Catalog;
using core::Time;
using core::Uuid;

constexpr std::uint64_t kGB = 1'000'000'000, kTB = 1000 * kGB;

Time at(const std::string& date) { return *core::parse_date(date); }

class TwelveDrives {
 public:
  explicit TwelveDrives(const io::Path& home) : home_(home) {
    catalog_.record_policy({{"copies", "3"}, {"places", "2"}, {"offsite", "1"}, {"owner", "Anna Meyer"}});
    for (const auto& [name, offsite] :
         std::map<std::string, bool>{{"home", false}, {"studio", false}, {"bank box", true}, {"Paul's house", true}})
      places_[name] = catalog_.record_place(name, offsite, "").id;
    drive("2023-A", "home", 4 * kTB);
    drive("2023-B", "bank box", 4 * kTB);
    drive("2023-C", "Paul's house", 4 * kTB);
    drive("2024-A", "home", 4 * kTB);
    drive("2024-B", "bank box", 4 * kTB);
    drive("2024-C", "Paul's house", 4 * kTB);
    drive("2025-A", "home", 8 * kTB);
    drive("2025-B", "bank box", 8 * kTB);
    drive("2025-C", "Paul's house", 8 * kTB);
    drive("2026-A", "home", 8 * kTB);
    drive("2026-B", "bank box", 8 * kTB);
    drive("studio-nas", "studio", 12 * kTB, "nas");

    year("2023", {"Smith wedding", "Alps", "Bakery", "Harbour", "Choir"}, 640 * kGB, {"2023-A", "2023-B", "2023-C"});
    year("2024", {"Miller wedding", "Iceland", "Theatre", "Brewery"}, 700 * kGB, {"2024-A", "2024-B", "2024-C"});
    year("2025", {"Jones wedding", "Lofoten", "Circus", "Old town", "Dance school"}, 500 * kGB,
         {"2025-A", "2025-B", "2025-C"});
    year("2026", {"Chen wedding", "Sahara", "Opera", "Boatyard"}, 400 * kGB, {"2026-A", "2026-B", "studio-nas"});
    one("2026-10-17", "Garlic farm", 120 * kGB, {"2026-A", "studio-nas"}, "2026-11-02");
    one("2026-12-05", "Ice hockey", 90 * kGB, {"2026-A"}, "2026-12-12");

    // What the years brought.
    check("2023-A", "2024-02-10", 160);
    check("2023-B", "2024-09-14", 150);
    check("2023-C", "2025-05-03", 140);
    check("2023-A", "2025-12-29", 155);
    wear("2023-A", "2025-12-29", 0);
    check("2024-A", "2026-02-07", 165);
    check("2024-C", "2025-08-16", 150);
    check("2025-A", "2026-11-21", 180);
    check("2025-B", "2026-05-30", 175);
    wear("2025-B", "2026-05-30", 8);
    cut_short("2025-C", "2026-10-10");
    on("2025-06-20", [this] { catalog_.record_drive_lent(drives_.at("2024-C"), "Paul"); });
    on("2025-11-15", [this] { catalog_.record_drive_lent(drives_.at("2024-C"), "Paul"); });
    on("2026-06-06", [this] { catalog_.record_drive_marked(drives_.at("2023-C"), "lost"); });
    on("2026-03-08", [this] { discard("Choir", "the choir wanted them deleted"); });
    live();
  }

  /// Pictures at home: of a shoot that is safe, of one that was deleted, of one that is new.
  void lay_out_folder() {
    write("2025-old/Circus/IMG_0001.CR3", 3'000'000, 1);
    write("2025-old/Circus/IMG_0001.JPG", 300'000, 2);
    write("2025-old/Circus/copy of IMG_0002.JPG", 310'000, 3);
    write("to sort/IMG_0001.CR3", 3'000'000, 1);
    write("to sort/choir.JPG", 280'000, 4);
    write("to sort/hockey.JPG", 290'000, 5);
    write("to sort/new.JPG", 270'000, 6);
    write("work/2026-07-20 Lighthouse/A001.CR3", 2'500'000, 7);
    write("work/2026-12-19 Choir again/A001.CR3", 2'500'000, 8);
    write("work/2026-12-19 Choir again/A002.CR3", 2'500'000, 9);
  }

 private:
  struct Event {
    Time when;
    std::function<void()> what;
  };

  void on(const std::string& date, std::function<void()> what) { events_.push_back({at(date), std::move(what)}); }
  void live() {
    std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) { return a.when < b.when; });
    for (const Event& event : events_) {
      world_.set_now(event.when);
      event.what();
    }
  }

  void drive(const std::string& label, const std::string& place, std::uint64_t bytes, const std::string& kind = "hdd") {
    catalog::NewDrive drive;
    drive.id = world_.new_id();
    drive.label = label;
    drive.kind = kind;
    drive.place = places_.at(place);
    drive.evidence.disk = drive.evidence.serial = "serial of " + label;
    drive.evidence.bytes = bytes;
    drives_[label] = drive.id;
    catalog_.record_drive(drive);
  }

  void year(const std::string& year, const std::vector<std::string>& names, std::uint64_t bytes,
            const std::vector<std::string>& drives) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      one(fmt::format("{}-{:02}-{:02}", year, 3 + 2 * i, 11 + i), names[i], bytes / (i + 1), drives,
          fmt::format("{}-12-{:02}", year, 20 + i));
    }
  }

  void one(const std::string& date, const std::string& name, std::uint64_t bytes,
           const std::vector<std::string>& drives, const std::string& sealed) {
    on(sealed, [=, this] {
      catalog::Volume volume;
      fv::BagInfo& info = volume.info;
      info.volume = world_.new_id();
      info.group = world_.new_id();
      info.shoot = world_.new_id();
      info.shoot_name = date + " " + name;
      info.title = name;
      info.shoot_date = date;
      info.payload_bytes = info.content_bytes = bytes / 11 * 10;
      info.payload_files = 1;
      info.photos = bytes / 60'000'000;
      info.content_files = info.photos * 3;
      info.slice_bytes = 4096;
      info.slices = 32'768;
      info.recovery_slices = 3277;
      info.tag_slice_bytes = 4096;
      info.tag_recovery_slices = 6;
      info.writer = catalog_.writer();
      info.sequence = ++sequence_;
      info.sealed = world_.now();
      volume.tagmanifest = fv::encode_manifest({{digest::sha256(core::as_bytes(name)), "bag-info.txt"}});
      volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
      volume.folder = fv::year_folder(info) + "/" + fv::folder_name(info);
      volume.bytes_on_drive = bytes;
      catalog_.record_volume(volume, members_of(name));
      for (const std::string& label : drives) catalog_.record_copy(info.volume, drives_.at(label), world_.now(), false);
      shoots_[name] = info.shoot;
      for (const std::string& label : drives) on_drive_[label].push_back(volume);
    });
  }

  static std::vector<fv::Member> members_of(const std::string& name) {
    std::vector<fv::Member> members;
    const auto add = [&](const std::string& file, std::size_t bytes, std::uint64_t seed) {
      fv::Member member;
      member.path = name + "/" + file;
      member.bytes = bytes;
      member.sha256 = digest::sha256(seeded_content(bytes, seed));
      members.push_back(member);
    };
    if (name == "Circus") {
      add("IMG_0001.CR3", 3'000'000, 1);
      add("IMG_0001.JPG", 300'000, 2);
      add("IMG_0002.JPG", 310'000, 3);
    }
    if (name == "Choir") add("IMG_0042.JPG", 280'000, 4);
    if (name == "Ice hockey") add("IMG_0007.JPG", 290'000, 5);
    return members;
  }

  static core::Bytes seeded_content(std::size_t bytes, std::uint64_t seed) {
    TempDir temp;
    make_file(temp / "f", bytes, seed);
    return io::read_file(io::posix(), temp / "f", 1 << 30);
  }

  void write(const std::string& path, std::size_t bytes, std::uint64_t seed) {
    make_file(home_ / path, bytes, seed);
    io::posix().set_mtime(home_ / path, 1'780'000'000'000'000'000);
  }

  /// A check of all that was on the drive by then.
  void check(const std::string& label, const std::string& date, std::uint64_t mb_per_second) {
    on(date, [=, this] {
      catalog::Scrub scrub = visit(label, mb_per_second);
      scrub.complete = true;
      catalog_.record_scrub(scrub);
    });
  }
  void cut_short(const std::string& label, const std::string& date) {
    on(date, [=, this] {
      catalog::Scrub scrub = visit(label, 150);
      scrub.volumes.resize(1);
      scrub.ended = scrub.started + std::chrono::minutes(50);
      catalog_.record_scrub(scrub);
    });
  }
  catalog::Scrub visit(const std::string& label, std::uint64_t mb_per_second) {
    catalog::Scrub scrub;
    scrub.id = world_.new_id();
    scrub.check = scrub.id;
    scrub.drive = drives_.at(label);
    scrub.started = world_.now();
    std::uint64_t bytes = 0;
    for (const catalog::Volume& volume : on_drive_[label]) {
      scrub.volumes.push_back({volume.info.volume, 0, volume.info.slices, true, catalog::CopyHealth::kGood});
      bytes += volume.bytes_on_drive;
    }
    scrub.ended = scrub.started + std::chrono::seconds(bytes / (mb_per_second * 1'000'000));
    return scrub;
  }

  void wear(const std::string& label, const std::string& date, std::uint64_t reallocated) {
    on(date, [=, this] {
      catalog::Wear wear;
      wear.read = world_.now();
      wear.model = "WDC WD80";
      wear.serial = label;
      wear.passed = true;
      wear.counts["reallocated"] = reallocated;
      catalog_.record_wear(drives_.at(label), wear);
    });
  }

  void discard(const std::string& name, const std::string& reason) {
    catalog_.record_shoot_discarded(shoots_.at(name), reason);
    for (const char* label : {"2023-A", "2023-B", "2023-C"}) {
      for (const catalog::Volume& volume : on_drive_[label]) {
        if (volume.info.title == name)
          catalog_.record_copy_gone(volume.info.volume, drives_.at(label), "discarded: " + reason);
      }
    }
  }

  io::Path home_;
  core::SteadyWorld world_{at("2023-01-02"), 12};
  Catalog catalog_ = Catalog::create(io::posix(), home_ / "catalog.db", world_, "test");
  std::map<std::string, Uuid> places_, drives_, shoots_;
  std::map<std::string, std::vector<catalog::Volume>> on_drive_;
  std::vector<Event> events_;
  std::uint64_t sequence_ = 0;
};

std::string document_path() { return std::string(DARKSHELF_SOURCE_DIR) + "/docs/shelf-of-twelve.md"; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

/// The document with what its commands print now; every line of it that is no output stays.
std::string typed_again(const std::string& document, const io::Path& home) {
  std::istringstream lines(document);
  std::string out;
  bool in_block = false;
  int last = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) in_block = !in_block;
    if (!in_block || line.starts_with("```")) {
      out += line + "\n";
      continue;
    }
    if (!line.starts_with("$ ")) continue;
    out += line + "\n";
    if (line == "$ echo $?") {
      out += std::to_string(last) + "\n";
      continue;
    }
    ProcessOptions options;
    options.folder = home;
    const std::string program = io::Path(DARKSHELF_EXECUTABLE).parent_path().string();
    options.environment = {{"COLUMNS", "80"},
                           {"DARKSHELF_TEST_WORLD", "5"},
                           {"DARKSHELF_CATALOG", (home / "catalog.db").string()},
                           {"PATH", program + ":" + std::getenv("PATH")}};
    const ProcessResult result = run_process({"bash", "-c", "exec 2>&1; " + line.substr(2)}, options);
    last = result.exit_code;
    out += replaced(result.out, io::posix().canonical(home).string(), "/home/anna");
  }
  return out;
}

}  // namespace

TEST_CASE("documents: docs/shelf-of-twelve.md shows what twelve drives give") {
  TempDir temp;
  {
    const io::Path home = temp.path();
    TwelveDrives shelf(home);
    shelf.lay_out_folder();
  }
  std::ifstream file(document_path());
  std::stringstream text;
  text << file.rdbuf();
  REQUIRE_FALSE(text.str().empty());
  const std::string now = typed_again(text.str(), temp.path());
  if (std::getenv("DARKSHELF_RENEW_DOCUMENTS") != nullptr) {
    std::ofstream(document_path()) << now;
    return;
  }
  std::istringstream is(now), shown(text.str());
  std::string line, other;
  for (unsigned number = 1; std::getline(shown, other); ++number) {
    CAPTURE(number);
    REQUIRE(std::getline(is, line));
    REQUIRE(line == other);
  }
  CHECK_FALSE(std::getline(is, line));
}

}  // namespace darkshelf::testing
