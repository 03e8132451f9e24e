// What find answers, against a slow and obvious reading of the same rows: catalogs made by chance, questions made by
// chance. The reading here shares nothing with the program but the photos themselves.

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>

#include "photo/record.hpp"
#include "support/chance.hpp"
#include "unit/catalog/machine.hpp"

namespace darkshelf::testing {
namespace {

using Words = std::set<std::string>;

/// Lower case without accents, of the letters that are used here; whatever is no letter and no digit parts words.
Words words_of(const std::string& text) {
  static const std::map<std::string, std::string> kPlain = {{"Î", "i"}, {"î", "i"}, {"é", "e"}, {"É", "e"},
                                                            {"ü", "u"}, {"Ü", "u"}, {"ö", "o"}, {"ä", "a"},
                                                            {"Å", "a"}, {"å", "a"}, {"ñ", "n"}};
  Words words;
  std::string word;
  const auto end = [&] {
    if (!word.empty()) words.insert(word);
    word.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    const std::string letter = text.substr(at, length);
    at += length;
    if (length > 1) {
      const auto plain = kPlain.find(letter);
      word += plain == kPlain.end() ? letter : plain->second;
    } else if (std::isalnum(byte) != 0) {
      word += static_cast<char>(std::tolower(byte));
    } else {
      end();
    }
  }
  end();
  return words;
}

struct File {
  std::string path;
  std::optional<photo::Metadata> photo;  // of the photo it belongs to
};
struct Kept {
  core::Uuid id, drive;
  std::string name, date, note, renamed, place;
  std::vector<File> files;
};

class Shelf {
 public:
  explicit Shelf(std::uint64_t seed) : dice_(seed), machine_(temp_ / "c.db", seed) {
    for (const char* name : {"home/Schrank", "bank box Zürich"}) {
      const auto place = machine_.catalog.record_place(name, false, "");
      const auto drive = machine_.add_drive(fmt::format("D{}", drives_.size()));
      machine_.catalog.record_drive_moved(drive, place.id);
      drives_.push_back({drive, place.id});
      places_.push_back(name);
    }
    const int shoots = 4 + static_cast<int>(dice_.below(8));
    for (int i = 0; i < shoots; ++i) add_shoot(i);
  }

  Catalog& catalog() { return machine_.catalog; }
  const std::vector<Kept>& shoots() const { return shoots_; }
  const std::vector<std::pair<core::Uuid, core::Uuid>>& drives() const { return drives_; }
  Dice& dice() { return dice_; }

  std::string any(const std::vector<std::string>& of) { return of[dice_.below(of.size())]; }
  std::string word() {
    return any({"wedding", "Smith", "Müller", "Île", "cake", "bride", "été", "harbour", "weddings", "2026", "07",
                "写真", "Åse"});
  }

 private:
  void add_shoot(int number) {
    Kept kept;
    kept.name = fmt::format("{} {} {}", word(), word(), number);
    kept.date = dice_.below(5) == 0 ? "" : fmt::format("20{:02}-{:02}-14", 24 + dice_.below(3), 1 + dice_.below(12));
    const int photos = 1 + static_cast<int>(dice_.below(12));
    std::vector<fv::Member> members;
    for (int i = 0; i < photos; ++i) {
      const std::string stem = fmt::format("{}/{}/{}_{:04}", kept.name, word(), any({"IMG", "DSC"}),
                                           dice_.below(40) * 100 + static_cast<unsigned>(i));
      std::optional<photo::Metadata> photo;
      if (dice_.below(4) != 0) photo = some_photo();
      const bool both = dice_.below(2) == 0;
      add_file(kept, members, stem + ".CR3", photo, true);
      if (both) add_file(kept, members, stem + ".JPG", photo, false);
      if (dice_.below(2) == 0) add_file(kept, members, stem + ".xmp", photo, false);
    }
    add_file(kept, members, kept.name + "/notes " + word() + ".txt", {}, false);
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    catalog::Volume volume;
    fv::BagInfo& info = volume.info;
    info.volume = machine_.world.new_id();
    info.group = machine_.world.new_id();
    info.shoot = kept.id = machine_.world.new_id();
    info.shoot_name = info.title = kept.name;
    info.shoot_date = kept.date;
    info.slice_bytes = info.tag_slice_bytes = 4096;
    info.slices = 10;
    info.content_files = members.size();
    info.writer = machine_.catalog.writer();
    info.sequence = static_cast<std::uint64_t>(number) + 1;
    info.sealed = machine_.world.now();
    volume.tagmanifest = fv::encode_manifest({{digest::sha256(core::as_bytes(kept.name)), "bag-info.txt"}});
    volume.seal = digest::sha256(core::as_bytes(volume.tagmanifest));
    volume.folder = fv::year_folder(info) + "/" + fv::folder_name(info);
    machine_.catalog.record_volume(volume, members);
    const std::size_t drive = dice_.below(2);
    machine_.catalog.record_copy(info.volume, drives_[drive].first, machine_.world.now(), false);
    kept.drive = drives_[drive].first;
    kept.place = places_[drive];
    if (dice_.below(3) == 0) machine_.catalog.record_shoot_note(kept.id, kept.note = word() + " " + word());
    if (dice_.below(4) == 0) machine_.catalog.record_shoot_renamed(kept.id, kept.renamed = word() + " renamed");
    shoots_.push_back(std::move(kept));
  }

  photo::Metadata some_photo() {
    photo::Metadata photo;
    photo.make = "Canon";
    photo.model = any({"Canon EOS R6", "Canon EOS R5", "EOS 5D Mark IV"});
    photo.lens = any({"RF 24-70mm F2.8", "EF 50mm f/1.4", ""});
    photo.label = any({"", "Red", "Grün"});
    if (dice_.below(2) == 0) photo.rating = static_cast<std::int8_t>(static_cast<int>(dice_.below(7)) - 1);
    for (std::uint64_t i = dice_.below(4); i > 0; --i) photo.keywords.push_back(word());
    if (dice_.below(3) == 0) photo.keyword_paths.push_back("Places|France|" + word());
    if (dice_.below(3) == 0) photo.title = word() + " and " + word();
    if (dice_.below(3) == 0) photo.caption = "the " + word() + " of " + word();
    if (dice_.below(3) != 0)
      photo.captured =
          photo::parse_capture_time(fmt::format("20{:02}:{:02}:03 10:00:00", 24 + dice_.below(3), 1 + dice_.below(12)));
    photo::tidy(photo);
    return photo;
  }

  void add_file(Kept& kept, std::vector<fv::Member>& members, const std::string& path,
                const std::optional<photo::Metadata>& photo, bool first) {
    for (const File& other : kept.files) {
      if (other.path == path) return;
    }
    fv::Member member;
    member.path = path;
    member.bytes = 100;
    member.sha256 = digest::sha256(core::as_bytes(path));
    if (first && photo) member.photo = photo::to_json(photo::Record{photo, {}});
    members.push_back(member);
    kept.files.push_back({path, photo});
  }

  TempDir temp_;
  Dice dice_;
  Machine machine_;
  std::vector<std::pair<core::Uuid, core::Uuid>> drives_;
  std::vector<std::string> places_;
  std::vector<Kept> shoots_;
};

bool any_begins(const Words& words, const std::string& with) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return with.size() > 1 ? word.starts_with(with) : word == with; });
}

/// All parts of the word; the last one may be a beginning.
bool has_part(const Words& words, const std::string& part, bool last) {
  return last ? any_begins(words, part) : words.contains(part);
}

Words all_words(const File& file) {
  Words words = words_of(file.path);
  if (!file.photo) return words;
  const photo::Metadata& p = *file.photo;
  std::string text = p.camera() + " " + p.lens + " " + p.label + " " + p.title + " " + p.caption;
  for (const std::string& keyword : p.keywords) text += " " + keyword;
  for (const std::string& path : p.keyword_paths) text += " " + path;
  words.merge(words_of(text));
  return words;
}

std::string in_a_row(const std::string& text) {
  std::string out, word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0) {
      word += c;
    } else if (!word.empty()) {
      out += (out.empty() ? "" : " ") + *words_of(word).begin();
      word.clear();
    }
  }
  return out;
}

bool has_keyword(const photo::Metadata& photo, const std::string& keyword) {
  const auto same = [&](const std::string& one) { return in_a_row(one) == in_a_row(keyword); };
  if (std::any_of(photo.keywords.begin(), photo.keywords.end(), same)) return true;
  for (const std::string& path : photo.keyword_paths) {
    if (same(path)) return true;
    std::string step;
    for (const char c : path + "|") {
      if (c == '|' && same(step)) return true;
      step = c == '|' ? "" : step + c;
    }
  }
  return false;
}

std::string day_of(const Kept& shoot, const File& file) {
  return file.photo && file.photo->captured ? file.photo->captured->text().substr(0, 10) : shoot.date;
}
bool in_time(const std::string& day, const catalog::FindQuery& query) {
  if (day.empty()) return false;
  if (!query.year.empty() && day.substr(0, query.year.size()) != query.year) return false;
  if (!query.since.empty() && day.substr(0, query.since.size()) < query.since) return false;
  return query.until.empty() || day.substr(0, query.until.size()) <= query.until;
}

/// Which files of the shoot answer; nothing: the shoot does not. `by_name`: nothing was left to ask files for.
std::optional<std::set<std::string>> answer(const Kept& shoot, const catalog::FindQuery& query, bool& by_name) {
  const Words called =
      words_of(shoot.name + " " + shoot.date + " " + shoot.note + " " + shoot.renamed + " " + shoot.place);
  std::vector<std::pair<std::string, bool>> left;
  for (const std::string& word : query.words) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : word + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0) {
        part += c;
      } else if (!part.empty()) {
        parts.push_back(*words_of(part).begin());
        part.clear();
      }
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!has_part(called, parts[i], i + 1 == parts.size())) left.emplace_back(parts[i], i + 1 == parts.size());
    }
  }
  const bool timed = !query.year.empty() || !query.since.empty() || !query.until.empty();
  const bool ask_time = timed && !in_time(shoot.date, query);
  by_name = left.empty() && !ask_time && query.camera.empty() && query.lens.empty() && query.keyword.empty() &&
            query.label.empty() && query.type.empty() && !query.least_rating && !query.most_rating;
  std::set<std::string> files;
  for (const File& file : shoot.files) {
    const Words words = all_words(file);
    bool fits = std::all_of(left.begin(), left.end(),
                            [&](const auto& part) { return has_part(words, part.first, part.second); });
    fits = fits && (!ask_time || in_time(day_of(shoot, file), query));
    fits = fits && (query.type.empty() || file.path.ends_with("." + query.type));
    const auto part_of = [&](const std::string& name, const std::string& part) {
      return (" " + in_a_row(name)).find(" " + in_a_row(part)) != std::string::npos;
    };
    if (!query.camera.empty()) fits = fits && file.photo && part_of(file.photo->camera(), query.camera);
    if (!query.lens.empty()) fits = fits && file.photo && part_of(file.photo->lens, query.lens);
    if (!query.keyword.empty()) fits = fits && file.photo && has_keyword(*file.photo, query.keyword);
    if (!query.label.empty()) fits = fits && file.photo && in_a_row(file.photo->label) == in_a_row(query.label);
    if (query.least_rating || query.most_rating)
      fits = fits && file.photo && file.photo->rating && *file.photo->rating >= query.least_rating.value_or(-1) &&
             *file.photo->rating <= query.most_rating.value_or(5);
    if (fits) files.insert(file.path);
  }
  if (files.empty() && !by_name) return {};
  return files;
}

catalog::FindQuery some_query(Shelf& shelf) {
  Dice& dice = shelf.dice();
  catalog::FindQuery query;
  for (std::uint64_t i = dice.below(3); i > 0; --i) {
    std::string word = shelf.word();
    if (dice.below(3) == 0 && static_cast<unsigned char>(word[0]) < 0x80)
      word = word.substr(0, 1 + dice.below(word.size()));
    if (dice.below(8) == 0)
      word = shelf.any({"IMG_0100", "dsc-2", "notes.txt", "\"*", "bank box", "canon eos", "mark iv"});
    query.words.push_back(word);
  }
  if (dice.below(5) == 0) query.year = shelf.any({"2024", "2025", "2026"});
  if (dice.below(6) == 0) query.since = shelf.any({"2024-07", "2025", "2025-03-03"});
  if (dice.below(6) == 0) query.until = shelf.any({"2025-06", "2026", "2025-12-31"});
  if (dice.below(5) == 0) query.camera = shelf.any({"canon", "EOS r6", "5d", "nikon", "R"});
  if (dice.below(6) == 0) query.lens = shelf.any({"24-70mm", "50mm F1.4", "rf", "70"});
  if (dice.below(6) == 0) query.keyword = shelf.any({"ile", "France", "places", "Places|France|cake", "bri"});
  if (dice.below(8) == 0) query.label = shelf.any({"red", "grun"});
  if (dice.below(6) == 0) query.least_rating = static_cast<int>(dice.below(6));
  if (dice.below(8) == 0) query.most_rating = static_cast<int>(dice.below(6));
  if (dice.below(6) == 0) query.type = shelf.any({"CR3", "JPG", "txt"});
  if (dice.below(6) == 0) query.drive = shelf.drives()[dice.below(2)].first;
  if (dice.below(8) == 0) query.place = shelf.drives()[dice.below(2)].second;
  query.files = dice.below(2) == 0;
  return query;
}

std::string text_of(const catalog::FindQuery& q) {
  return fmt::format(
      "words [{}] year {} since {} until {} camera {} lens {} keyword {} label {} rating {}..{} type {} files {}",
      fmt::join(q.words, "|"), q.year, q.since, q.until, q.camera, q.lens, q.keyword, q.label,
      q.least_rating.value_or(-9), q.most_rating.value_or(9), q.type, q.files);
}

std::size_t answers = 0;  // shoots that were found: questions without answers prove little

void check(Shelf& shelf, catalog::Catalog& catalog, const catalog::FindQuery& query) {
  INFO(text_of(query));
  std::map<std::string, std::pair<std::size_t, std::set<std::string>>> expected, found;
  for (const Kept& shoot : shelf.shoots()) {
    if (query.drive && *query.drive != shoot.drive) continue;
    const auto place = std::find_if(shelf.drives().begin(), shelf.drives().end(),
                                    [&](const auto& one) { return one.first == shoot.drive; });
    if (query.place && *query.place != place->second) continue;
    bool by_name = false;
    const auto files = answer(shoot, query, by_name);
    if (!files || (query.files && files->empty())) continue;
    expected[shoot.id.text()] = {by_name && !query.files ? 0 : files->size(),
                                 query.files ? *files : std::set<std::string>{}};
  }
  for (const catalog::Found& one : catalog.find(query).found) {
    auto& into = found[one.shoot.id.text()];
    into.first = one.matching_files;
    for (const catalog::FoundFile& file : one.files) into.second.insert(file.member.path);
  }
  CHECK(found == expected);
  answers += found.size();
}

}  // namespace

TEST_CASE("find: words and filters give what a slow reading of the same rows gives") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    Shelf shelf(seed);
    for (int i = 0; i < 60; ++i) check(shelf, shelf.catalog(), some_query(shelf));
    CHECK(shelf.catalog().verify().empty());
  }
  CHECK(answers > 500);
}

TEST_CASE("find: what was merged is found as what was sealed here, and words that do not fit are told") {
  Shelf shelf(77);
  TempDir temp;
  Machine other(temp / "other.db", 78);
  shelf.catalog().export_to(io::posix(), temp / "copy.db", "full", shelf.drives()[0].first);
  other.catalog.merge(temp / "copy.db");
  for (int i = 0; i < 60; ++i) check(shelf, other.catalog, some_query(shelf));
  CHECK(other.catalog.verify().empty());
  change(temp / "other.db", "DELETE FROM volume_terms WHERE volume = 1");
  CHECK_FALSE(other.catalog.verify().empty());
}

TEST_CASE("find: a limit is kept, and tells how many more there may be, and too many words are refused") {
  Shelf shelf(5);
  catalog::FindQuery query;
  query.limit = 2;
  const catalog::FindResult some = shelf.catalog().find(query);
  CHECK(some.found.size() == 2);
  CHECK(some.found.size() + some.more_at_most == shelf.shoots().size());
  query.files = true;
  query.limit = 3;
  std::size_t files = 0;
  for (const auto& one : shelf.catalog().find(query).found) files += one.files.size();
  CHECK(files == 3);
  catalog::FindQuery many;
  many.words = std::vector<std::string>(2000, "word");
  CHECK_THROWS_AS(shelf.catalog().find(many), core::Error);
  many.words = {std::string(10'000, 'x')};
  CHECK(shelf.catalog().find(many).found.empty());
}

}  // namespace darkshelf::testing
