#include <fmt/format.h>

#include <map>
#include <optional>

#include "cli/commands.hpp"
#include "cli/holdings.hpp"
#include "core/text.hpp"

namespace darkshelf::cli {

using Access = catalog::Catalog::Access;
using core::Code;
using core::Error;

namespace {

constexpr std::size_t kShoots = 50, kFiles = 1000;  // unless --limit says something else

struct FindOptions {
  catalog::FindQuery query;
  std::string drive, place;
  std::optional<std::string> rating;
  std::size_t limit = 0;
};

/// "4+", "3-", "5", "rejected".
void take_rating(const std::string& text, catalog::FindQuery& query) {
  if (text == "rejected") {
    query.least_rating = query.most_rating = -1;
    return;
  }
  const bool well_formed = (text.size() == 1 || (text.size() == 2 && (text[1] == '+' || text[1] == '-'))) &&
                           text[0] >= '0' && text[0] <= '5';
  if (!well_formed)
    throw Error(Code::kUsage,
                fmt::format("--rating takes stars from 0 to 5, such as 4+, 3- or 5, or rejected; not \"{}\"",
                            core::printable(text)));
  const int stars = text[0] - '0';
  if (text.size() == 1 || text[1] == '+') query.least_rating = stars;
  if (text.size() == 1 || text[1] == '-') query.most_rating = stars;
  if (text.size() == 2 && text[1] == '-') query.least_rating = 0;  // those that were rejected are not asked for
}

void take_options(catalog::Catalog& catalog, FindOptions& options) {
  if (!options.drive.empty()) {
    const auto drive = catalog.find_drive(options.drive);
    if (!drive)
      throw Error(Code::kNotFound, fmt::format("no drive is called \"{}\"", core::printable(options.drive)),
                  "darkshelf drive list");
    options.query.drive = drive->id;
  }
  if (!options.place.empty()) {
    const auto place = catalog.find_place(options.place);
    if (!place)
      throw Error(Code::kNotFound, fmt::format("no place is called \"{}\"", core::printable(options.place)),
                  "darkshelf place list");
    options.query.place = place->id;
  }
  if (options.rating) take_rating(*options.rating, options.query);
  options.query.limit = options.limit > 0 ? options.limit : options.query.files ? kFiles : kShoots;
}

Error nothing_found(catalog::Catalog& catalog) {
  return catalog.shoots().empty()
             ? Error(Code::kNotFound, "nothing found: nothing is sealed yet", "darkshelf seal SHOOT --to DRIVE")
             : Error(Code::kNotFound, "nothing found",
                     "try fewer words, or the beginnings of them; darkshelf find alone lists the shelf");
}

void print_found(Session& session, const catalog::Found& one, const shelf::ShootStatus* status) {
  Output& out = session.out();
  const Holdings holdings = status == nullptr ? Holdings{} : holdings_of(*status);
  std::string what = rituals::photos_and_files(one.shoot.photos, one.shoot.files);
  if (one.matching_files > 0 && one.matching_files < one.shoot.files)
    what += fmt::format(", {} {}", core::count_of(one.matching_files, "file"),
                        one.matching_files == 1 ? "matches" : "match");
  out.line(fmt::format("{}  {}", out.paint(Color::kBold, heading_of(one.shoot)), what));
  if (one.shoot.discarded)
    out.line("    discarded");
  else
    print_holdings(session, holdings);
  for (const catalog::FoundFile& file : one.files) out.item("        " + core::printable(file.member.path));
  const bool single = one.files.size() == 1 && one.matching_files == 1;
  const WayBack way = one.shoot.discarded
                          ? WayBack{}
                          : way_back(session, one.shoot, holdings, single ? one.files.front().member.path : "");
  if (!way.command.empty()) {
    out.line(fmt::format("    → {}{}",
                         way.drive.empty() ? "" : fmt::format("plug in {}, then: ", core::printable(way.drive)),
                         way.command));
  }
  Json object = shoot_json(one.shoot);
  object["matching_files"] = one.matching_files;
  object["drives"] = holdings_json(session, holdings);
  object["plug_in"] = way.drive;
  object["restore"] = core::printable(way.command);
  Json files = Json::array();
  for (const catalog::FoundFile& file : one.files) files.push_back(member_json(file.member));
  if (!one.files.empty()) object["matches"] = std::move(files);
  out.object("shoot", std::move(object));
}

int find(Session& session, FindOptions options) {
  auto& catalog = session.catalog(Access::kRead);
  take_options(catalog, options);
  const catalog::FindResult result = catalog.find(options.query);
  if (result.found.empty()) throw nothing_found(catalog);
  std::vector<catalog::Shoot> shoots;
  for (const catalog::Found& one : result.found) shoots.push_back(one.shoot);
  const auto by_id = status_of_shoots(session, std::move(shoots));
  for (const catalog::Found& one : result.found) {
    const auto status = by_id.find(one.shoot.id);
    print_found(session, one, status == by_id.end() ? nullptr : &status->second);
  }
  if (result.more_at_most > 0) {
    session.out().line(fmt::format("… and up to {} more: add words, or --limit {}",
                                   core::count_of(result.more_at_most, "shoot"), options.query.limit * 10));
  }
  session.out().object("found", {{"shoots", result.found.size()}, {"more_at_most", result.more_at_most}});
  return kGood;
}

}  // namespace

void add_find(CLI::App& app, Session& session) {
  CLI::App* cmd = app.add_subcommand("find", "Find shoots and photos, with every drive unplugged")->group(kWhich);
  auto o = std::make_shared<FindOptions>();
  cmd->add_option("WORDS", o->query.words,
                  "In names, notes, places, paths, keywords, titles and captions; all have to match, beginnings do");
  cmd->add_option("--year", o->query.year, "Taken in this year")->type_name("YEAR")->check(date(Dates::kAny));
  cmd->add_option("--since", o->query.since, "Taken from this date on")->type_name("DATE")->check(date(Dates::kAny));
  cmd->add_option("--until", o->query.until, "Taken up to this date")->type_name("DATE")->check(date(Dates::kAny));
  cmd->add_option("--camera", o->query.camera, "By this camera: a part of its name")->type_name("CAMERA");
  cmd->add_option("--lens", o->query.lens, "With this lens: a part of its name")->type_name("LENS");
  cmd->add_option("--keyword", o->query.keyword, "With this keyword")->type_name("KEYWORD");
  cmd->add_option("--rating", o->rating, "Stars: 4+, 3-, 5, or rejected")->type_name("STARS");
  cmd->add_option("--label", o->query.label, "With this colour label")->type_name("LABEL");
  cmd->add_option("--type", o->query.type, "Files of this type, such as CR3")->type_name("TYPE");
  cmd->add_option("--on", o->drive, "On this drive")->type_name("DRIVE");
  cmd->add_option("--at", o->place, "On drives kept there")->type_name("PLACE");
  cmd->add_flag("--files", o->query.files, "List the files that match");
  cmd->add_option("--limit", o->limit, fmt::format("So many shoots ({}), or files ({})", kShoots, kFiles))
      ->type_name("N")
      ->check(number_between(1, 100'000'000));
  cmd->callback([&session, o] { session.action = [&session, o] { return find(session, *o); }; });
}

}  // namespace darkshelf::cli
