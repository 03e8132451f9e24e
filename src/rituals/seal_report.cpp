#include "rituals/seal_parts.hpp"

namespace darkshelf::rituals {

SealReport::Failure failure_of(const std::string& label, std::exception_ptr error) {
  SealReport::Failure failure{label, "", core::Code::kFailed, ""};
  try {
    std::rethrow_exception(std::move(error));
  } catch (const core::Error& e) {
    failure.sentence = e.what();
    failure.code = e.code();
    failure.hint = e.hint();
  } catch (const std::exception& e) {
    failure.sentence = e.what();
  }
  if (failure.sentence.starts_with(failure.drive + " ")) failure.sentence.erase(0, failure.drive.size() + 1);
  return failure;
}

void tell_pictures(SealReport& report, const PhotoRecords::Gathered& photos) {
  report.pictures.insert(report.pictures.end(), photos.findings.begin(), photos.findings.end());
  report.photos_read += photos.photos;
  if (!photos.without_a_worker.empty()) report.without_metadata = photos.without_a_worker;
}

}  // namespace darkshelf::rituals
