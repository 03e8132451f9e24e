#include "cli/parcels.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace darkshelf::cli {

namespace {

/// "220 slices (0.9 MB) and 1 list".
std::string what_of(std::uint64_t slices, std::uint64_t files, std::uint64_t bytes) {
  std::string text;
  if (slices > 0) text = fmt::format("{} ({})", core::count_of(slices, "slice"), core::format_size(bytes));
  if (files > 0) text += (text.empty() ? "" : " and ") + core::count_of(files, "list");
  return text;
}

}  // namespace

io::Path parcel_name(const std::string& request_file, const std::string& told) {
  if (!told.empty()) return told;
  constexpr std::string_view kRequest = ".request";
  std::string name = request_file;
  if (name.ends_with(kRequest)) name.resize(name.size() - kRequest.size());
  return name + ".parcel";
}

void tell_request(Output& out, const rituals::RepairReport& report) {
  if (!report.request && report.failing) {
    out.line(
        fmt::format("No request was written: the medium of {} is failing, nothing is written to it, and a parcel "
                    "would not help.",
                    core::printable(report.drive.label)));
    return;
  }
  if (!report.request) {
    out.line("Nothing to ask for: no request was written.");
    return;
  }
  const rituals::WrittenRequest& written = *report.request;
  const std::string file = written.file.string();
  out.line(fmt::format("{} asks for {} of {}.", core::printable(file),
                       what_of(written.slices, written.files, written.bytes),
                       core::count_of(written.volumes, "volume")));
  std::string twins = fmt::format("{}", fmt::join(written.twins, " or "));
  if (twins.empty()) twins = "another copy";
  out.line(fmt::format("Next: take it to {}, plug that drive in there, and type:", core::printable(twins)));
  out.item(fmt::format("      darkshelf repair --parcel {}", core::shell_quote(written.file.filename().string())));
  Json twin_list = Json::array();
  for (const std::string& twin : written.twins) twin_list.push_back(core::printable(twin));
  Json object = {{"drive", report.drive.label}, {"volumes", written.volumes},    {"slices", written.slices},
                 {"files", written.files},      {"parcel_bytes", written.bytes}, {"twins", std::move(twin_list)}};
  put_path(object, "file", file);
  out.object("repair_request", std::move(object));
}

void tell_parcel_used(Output& out, const rituals::RepairReport& report, const rituals::ParcelFile& parcel) {
  if (parcel.head().drive != report.drive.id) {
    const std::string meant = core::printable(parcel.head().label);
    out.line(fmt::format("The parcel is for {0}: keep it until {0} is mended. Next: darkshelf repair {1} --parcel FILE",
                         meant, core::shell_quote(meant)));
  } else if (report.volumes.empty()) {
    out.line("What the parcel is for is intact already: it is not needed.");
  } else {
    out.line("The parcel is not needed any more.");
  }
}

int make_parcel(Session& session, const rituals::MakeParcelRequest& request, std::uint64_t memory) {
  rituals::Context context = session.context_or_scratch(memory);
  const rituals::MadeParcel made = rituals::make_parcel(context, request);
  Output& out = session.out();
  const formats::parcel::Parcel& asked = request.asked->head();
  const std::string file = made.file.string(), from = fmt::format("{}", fmt::join(made.from, ", "));
  out.line(fmt::format("{}: {} of {}, read from {} and compared with the seal{}.", core::printable(file),
                       what_of(made.slices, made.files, made.bytes), core::count_of(made.volumes, "volume"),
                       core::printable(from),
                       made.mended > 0 ? fmt::format(" ({} mended on the way)", core::with_commas(made.mended)) : ""));
  if (made.short_of > 0) {
    out.line(out.paint(Color::kRed, fmt::format("{} more would be needed, and cannot be read here.",
                                                core::count_of(made.short_of, "slice or list", "slices or lists"))));
  }
  if (made.mended > 0 || made.short_of > 0)
    out.note(fmt::format("{} is damaged too: darkshelf scrub {}", core::printable(from), "DRIVE"));
  out.line(fmt::format("Next: take it to where {} is, plug that drive in, and type:", core::printable(asked.label)));
  out.item(fmt::format("      darkshelf repair {} --parcel {}", core::shell_quote(core::printable(asked.label)),
                       core::shell_quote(made.file.filename().string())));
  Json labels = Json::array();
  for (const std::string& label : made.from) labels.push_back(core::printable(label));
  Json object = {{"drive", core::printable(asked.label)},
                 {"from", std::move(labels)},
                 {"volumes", made.volumes},
                 {"slices", made.slices},
                 {"files", made.files},
                 {"bytes", made.bytes},
                 {"mended_slices", made.mended},
                 {"short_of", made.short_of}};
  put_path(object, "file", file);
  out.object("parcel_made", std::move(object));
  return made.short_of > 0 ? kDamageBeyondRepair : kGood;
}

}  // namespace darkshelf::cli
