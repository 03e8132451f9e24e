#include "cli/signed.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"

namespace darkshelf::cli {

using rituals::SignatureState;
using rituals::SignatureView;

Json signature_json(const SignatureView& view) {
  return {{"state", rituals::name_of(view.state)},
          {"key", view.key},
          {"signer", core::printable(view.signer)},
          {"comment", core::printable(view.comment)}};
}

Json tally_json(const rituals::SignatureTally& tally) {
  Json rows = Json::array();
  for (const auto& [view, count] : tally.rows()) {
    Json row = signature_json(view);
    row.erase("comment");
    row["volumes"] = count;
    rows.push_back(std::move(row));
  }
  return rows;
}

void tell_tally(Output& out, const rituals::SignatureTally& tally, const io::Path& root) {
  if (!tally.any_signature()) return;
  std::string text = "Signatures:";
  const auto rows = tally.rows();
  for (const auto& [view, count] : rows) {
    const bool of_them = view.state == SignatureState::kDoesNotMatch || view.state == SignatureState::kDamaged ||
                         view.state == SignatureState::kUnreadable;
    text += fmt::format("{} {}{} {}", &view == &rows.front().first ? "" : ",", core::count_of(count, "volume"),
                        of_them ? ":" : "", rituals::sentence_of(view));
  }
  out.line(text + ".");
  for (const auto& [view, count] : rows) {
    if (view.state != SignatureState::kUnknownKey) continue;
    const io::Path key = root / rituals::key_file_on_drive(view.key);
    out.line(fmt::format("Whose key is {}? When you know that it is theirs: darkshelf key trust {} --name NAME",
                         view.key, io::posix().stat_following(key) ? core::shell_quote(key.string()) : "FILE"));
  }
}

bool tell_chains(Output& out, const std::vector<shelf::ChainFinding>& chains) {
  bool contradicts = false;
  for (const shelf::ChainFinding& found : chains) {
    contradicts |= shelf::contradicts(found);
    out.line(shelf::contradicts(found) ? out.paint(Color::kRed, found.sentence) : found.sentence);
    Json volumes = Json::array();
    for (const core::Uuid& volume : found.volumes) volumes.push_back(volume.text());
    out.object("chain_finding", {{"kind", shelf::name_of(found.kind)},
                                 {"writer", found.writer.text()},
                                 {"numbers", found.numbers},
                                 {"count", found.count},
                                 {"volumes", std::move(volumes)},
                                 {"message", found.sentence}});
  }
  const bool gap = std::any_of(chains.begin(), chains.end(),
                               [](const auto& found) { return found.kind == shelf::ChainBreak::kGap; });
  if (gap) out.note("To see more drives: plug them in, and type darkshelf catalog recover PATH for each.");
  return contradicts;
}

bool tell_signatures(Output& out, const rituals::ScrubReport& report) {
  rituals::SignatureTally tally;
  std::size_t elsewhere = 0;
  for (const rituals::SignedCopy& copy : report.signatures) {
    tally.add(copy.view);
    elsewhere += copy.elsewhere ? 1 : 0;
    if (copy.view.state != SignatureState::kUnsigned)
      out.detail(fmt::format("{}: {}", copy.volume.folder, rituals::sentence_of(copy.view)));
    Json object = {{"volume", copy.volume.info.volume.text()}, {"folder", copy.volume.folder}};
    object.update(signature_json(copy.view));
    out.object("volume_signature", std::move(object));
  }
  tell_tally(out, tally, report.root);
  if (elsewhere > 0)
    out.line(fmt::format("{} a signature that other copies have: darkshelf key sign {}",
                         core::count_of(elsewhere, "volume lacks", "volumes lack"),
                         core::shell_quote(report.drive.label)));
  return tell_chains(out, report.chains);
}

}  // namespace darkshelf::cli
