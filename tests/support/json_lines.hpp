#pragma once
// What `darkshelf --json` prints, one object a line.

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace darkshelf::testing {

using Json = nlohmann::json;

/// The objects of one type, in order. Throws when a line is no JSON object.
inline std::vector<Json> objects(const std::string& out, const std::string& type) {
  std::vector<Json> found;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    Json object = Json::parse(line);
    if (object.at("type") == type) found.push_back(std::move(object));
  }
  return found;
}

/// The only object of a type. Throws when there is none, or more than one.
inline Json object(const std::string& out, const std::string& type) {
  const std::vector<Json> found = objects(out, type);
  if (found.size() != 1) throw std::runtime_error("not one object of type " + type + " in:\n" + out);
  return found.front();
}

}  // namespace darkshelf::testing
