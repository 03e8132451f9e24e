// What photos say of themselves, kept at seal; and shoots whose pictures are none.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "catalog/thumbnails.hpp"
#include "core/text.hpp"
#include "photo/record.hpp"
#include "rituals/copy.hpp"
#include "rituals/pictures.hpp"
#include "rituals/upkeep.hpp"
#include "support/damage.hpp"
#include "support/photo/pictures.hpp"
#include "support/process.hpp"
#include "support/shelf/shelf.hpp"

namespace darkshelf::testing {

namespace fv = formats::volume;

namespace {

/// A wedding with one photo of three files, one of a single file, and a film.
io::Path add_wedding(Shelf& shelf, const std::string& name) {
  const io::Path folder = shelf.path(name);
  shelf.fs().make_dirs(folder);
  write(folder / "IMG_0001.CR3", small_cr3(1));
  write(folder / "IMG_0001.JPG", noisy_jpeg(640, 480, 1));
  write(folder / "IMG_0001.xmp",
        core::as_bytes(
            xmp_packet(R"(xmp:Rating="4")", "<dc:subject><rdf:Bag><rdf:li>bride</rdf:li></rdf:Bag></dc:subject>")));
  write(folder / "IMG_0002.DNG", small_dng(2));
  write(folder / "notes.txt", core::as_bytes("the cake comes at five"));
  return folder;
}

photo::Record record_of(const std::vector<fv::Member>& members, const std::string& ending) {
  for (const fv::Member& member : members) {
    if (member.path.ends_with(ending)) return photo::record_from_json(member.photo);
  }
  FAIL("no member " << ending);
  return {};
}

}  // namespace

TEST_CASE("seal photos: metadata and sidecars go into members.jsonl and the catalog, the same on every drive") {
  for (const fv::Layout layout : {fv::Layout::kTar, fv::Layout::kFiles}) {
    CAPTURE(fv::name_of(layout));
    Shelf shelf({"A", "B"});
    auto request = shelf.request(add_wedding(shelf, "wedding"), {"A", "B"});
    request.layout = layout;
    auto context = shelf.context();
    const rituals::SealReport report = rituals::seal(context, rituals::plan_seal(context, request));
    REQUIRE(report.volumes.size() == 1);
    CHECK(report.without_metadata.empty());
    CHECK(report.photos_read == 2);
    CHECK(report.pictures.empty());
    const auto members = shelf.catalog().members_of(report.volumes.front().info.volume);
    const photo::Record raw = record_of(members, ".CR3"), jpeg = record_of(members, ".JPG"),
                        dng = record_of(members, ".DNG");
    REQUIRE(raw.metadata);
    CHECK(raw.metadata->rating == 4);
    CHECK(raw.metadata->keywords == std::vector<std::string>{"bride"});
    CHECK_FALSE(raw.metadata->model.empty());
    CHECK(raw.metadata->captured);
    REQUIRE(raw.image);
    CHECK(raw.image->method == "cr3-1");
    CHECK_FALSE(jpeg.metadata);  // the photo's first file has them
    REQUIRE(jpeg.image);
    CHECK(jpeg.image->method == "jpeg-1");
    REQUIRE(dng.image);
    CHECK(record_of(members, "notes.txt") == photo::Record{});
    for (const char* drive : {"A", "B"}) {
      const auto volume = shelf.catalog().volumes().front();
      const std::string text = io::read_text(
          io::posix(), shelf.path(drive) / "darkshelf" / volume.folder / std::string(fv::kMembers), 1 << 20);
      const auto there = fv::decode_members(text);
      REQUIRE(there.size() == members.size());
      for (std::size_t i = 0; i < there.size(); ++i) CHECK(there[i].photo == members[i].photo);
    }
  }
}

TEST_CASE("seal photos: a shoot without a date in its name has the day its photos were taken") {
  Shelf shelf({"A"});
  const io::Path folder = add_wedding(shelf, "wedding");
  auto context = shelf.context();
  const rituals::Plan plan = rituals::plan_seal(context, shelf.request(folder, {"A"}));
  REQUIRE(plan.shoots.size() == 1);
  CHECK(plan.shoots.front().source.date_from == volume::SourceShoot::DateFrom::kPhotos);
  photo::Pool pool;
  photo::Request request;
  const core::Bytes raw = small_cr3(1);
  request.name = "IMG_0001.CR3";
  request.picture = raw;
  const photo::Extract extract = pool.extract(request);
  REQUIRE(extract.metadata);
  REQUIRE(extract.metadata->captured);
  CHECK(plan.shoots.front().source.date == extract.metadata->captured->text().substr(0, 10));
}

TEST_CASE("seal photos: files that are named as pictures and are none are told before anything is sealed") {
  Shelf shelf({"A"});
  const io::Path folder = add_wedding(shelf, "2026-06-14_wedding");
  write(folder / "IMG_0003.CR2", core::as_bytes("PK\3\4 something else"));
  write(folder / "IMG_0004.JPG", core::Bytes(5000));
  write(folder / "IMG_0005.NEF", {});
  auto context = shelf.context();
  rituals::Plan plan = rituals::plan_seal(context, shelf.request(folder, {"A"}));
  const rituals::PictureLook& look = plan.shoots.front().pictures;
  CHECK(look.looked_at == 6);
  REQUIRE(look.findings.size() == 3);
  for (const auto& finding : look.findings) CHECK(finding.lost);
  CHECK(look.findings[0].path == "2026-06-14_wedding/IMG_0003.CR2");
  CHECK(look.findings[0].reason.find("ZIP") != std::string::npos);
  CHECK_FALSE(look.is_alarming());
  const rituals::SealReport report = rituals::seal(context, std::move(plan));  // as they are
  CHECK(report.volumes.size() == 1);
  CHECK(report.pictures.size() == 2);  // of an empty file there is nothing to look into
}

TEST_CASE("seal photos: a folder of pictures that are all encrypted is an alarm, a few strange ones are not") {
  Shelf shelf({"A"});
  const io::Path folder = shelf.path("2026-01-02_gone");
  shelf.fs().make_dirs(folder);
  for (int i = 0; i < 10; ++i) {
    core::Bytes noise(3000);
    for (std::size_t at = 0; at < noise.size(); ++at)
      noise[at] = static_cast<std::byte>((at * 2654435761u + static_cast<unsigned>(i) * 97u) >> 7);
    write(folder / fmt::format("IMG_{:04}.CR2", i), noise);
  }
  auto context = shelf.context();
  CHECK(rituals::plan_seal(context, shelf.request(folder, {"A"})).shoots.front().pictures.is_alarming());
  for (int i = 0; i < 12; ++i) write(folder / fmt::format("OK_{:04}.JPG", i), plain_jpeg(64, 48));
  CHECK_FALSE(rituals::plan_seal(context, shelf.request(folder, {"A"})).shoots.front().pictures.is_alarming());
}

TEST_CASE("seal photos: ten RAW files without a sidecar are told, for the edits lie elsewhere") {
  Shelf shelf({"A"});
  const io::Path folder = shelf.path("2026-01-02_raw");
  shelf.fs().make_dirs(folder);
  for (unsigned i = 0; i < 10; ++i) write(folder / fmt::format("IMG_{:04}.CR3", i), small_cr3(i));
  auto context = shelf.context();
  const auto plan = rituals::plan_seal(context, shelf.request(folder, {"A"}));
  CHECK(plan.shoots.front().pictures.edits_missing.find("10 RAW, 0 sidecars") != std::string::npos);
}

TEST_CASE("seal photos: thumbnails are kept beside the catalog and on each drive, and come back from one") {
  Shelf shelf({"A", "B"});
  const io::Path folder = add_wedding(shelf, "2026-06-14 Hochzeit, Zürich");
  shelf.seal(folder, {"A", "B"});
  const auto volume = shelf.catalog().volumes().front();
  const auto members = shelf.catalog().members_of(volume.info.volume);
  const auto with = [&](const std::string& ending) {
    return *std::find_if(members.begin(), members.end(), [&](const auto& one) { return one.path.ends_with(ending); });
  };
  // A CR3 of the least boxes has no preview: the JPEG beside it gives the thumbnail of their photo.
  const digest::Sha256 photo = with(".CR3").sha256;
  core::Bytes jpeg;
  {
    auto kept = catalog::Thumbnails::for_reading(shelf.fs(), shelf.catalog().path());
    REQUIRE(kept);
    CHECK(kept->count() >= 1);
    REQUIRE(kept->get(photo));
    jpeg = *kept->get(photo);
    CHECK(jpeg.size() < 40'000);
  }
  const std::string name = volume.folder.substr(volume.folder.rfind('/') + 1) + ".tar";
  const io::Path tars = shelf.path("B") / "darkshelf" / "catalog" / "thumbnails";
  REQUIRE(shelf.fs().stat(tars / name));
  CHECK(shelf.fs().list(tars).size() == 1);
  CHECK_FALSE(shelf.fs().stat(shelf.catalog().path().string() + ".thumbnails-spool"));
  TempDir out;
  REQUIRE(run_process({"tar", "-xf", (tars / name).string(), "-C", out.path().string()}).exit_code == 0);
  CHECK(read(out / (with(".CR3").path + ".jpg")) == jpeg);

  // The computer is gone, and one drive is left.
  core::SteadyWorld world(*core::parse_time("2027-01-01T12:00:00Z"), 5);
  for (const bool hostile : {false, true}) {
    CAPTURE(hostile);
    const io::Path file = out / (hostile ? "two.db" : "one.db");
    if (hostile) rot(tars / name, 700, 5000);
    auto fresh = catalog::Catalog::create(shelf.fs(), file, world, "test");
    rituals::Context context{shelf.fs(), world, {}, fresh};
    const auto report = rituals::recover_catalog(context, {shelf.path("B")});
    auto kept = catalog::Thumbnails::for_reading(shelf.fs(), file);
    if (hostile) {
      CHECK(report.drives.size() == 1);  // whatever became of it
      if (kept && kept->get(photo)) CHECK(core::as_text(*kept->get(photo)).starts_with("\xFF\xD8\xFF"));
      continue;
    }
    CHECK(report.thumbnails >= 1);
    REQUIRE(kept);
    CHECK(kept->get(photo) == jpeg);
  }
}

TEST_CASE("seal photos: a copy brings thumbnails along, and a discarded shoot takes its own away") {
  Shelf shelf({"A", "B"});
  shelf.seal(add_wedding(shelf, "2026-06-14_wedding"), {"A"});
  const auto volume = shelf.catalog().volumes().front();
  const std::string name = volume.folder.substr(volume.folder.rfind('/') + 1) + ".tar";
  const auto there = [&](const std::string& drive) {
    return shelf.fs().stat(shelf.path(drive) / "darkshelf" / "catalog" / "thumbnails" / name).has_value();
  };
  CHECK(there("A"));
  CHECK_FALSE(there("B"));
  auto context = shelf.context();
  rituals::copy(context, {{"wedding"}, false, "", "B", {}});
  CHECK(there("B"));
  auto again = shelf.context();
  rituals::discard(again, {"wedding", "", "the client asked", "wedding"});
  CHECK_FALSE(there("A"));
  CHECK_FALSE(there("B"));
}

TEST_CASE("seal photos: where thumbnails cannot be kept, that is told, and metadata are kept all the same") {
  const std::string place = GENERATE("the spool", "the file beside the catalog", "the drive");
  CAPTURE(place);
  Faults faults;
  Shelf shelf({"A"}, &faults);
  const io::Path folder = add_wedding(shelf, "2026-06-14_wedding");
  if (place == "the spool") faults.fail("write_at", ".thumbnails-spool", 1, ENOSPC, true);
  if (place == "the file beside the catalog") shelf.fs().make_dir(shelf.catalog().path().string() + ".thumbnails");
  if (place == "the drive") faults.fail("create", "catalog/thumbnails/", 1, ENOSPC, true);
  auto context = shelf.context();
  std::vector<rituals::Note> notes;
  context.notes = &notes;
  const rituals::SealReport report = rituals::seal(context, rituals::plan_seal(context, shelf.request(folder, {"A"})));
  CHECK(report.failures.empty());
  CHECK(report.photos_read == 2);
  REQUIRE(report.volumes.size() == 1);
  CHECK(record_of(shelf.catalog().members_of(report.volumes.front().info.volume), ".CR3").metadata);
  CHECK(std::any_of(notes.begin(), notes.end(),
                    [](const rituals::Note& note) { return note.text.find("thumbnails were not") == 0; }));
  CHECK(shelf.fs().stat(shelf.path("A") / "darkshelf" / "START-HERE.txt"));
}

}  // namespace darkshelf::testing
