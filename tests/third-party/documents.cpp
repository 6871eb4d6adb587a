// SPDX-License-Identifier: LGPL-2.1-or-later
// Documents as C++ libraries keep them (nlohmann-json, RapidJSON, JsonCpp, pugixml, yaml-cpp): see third-party.h.
#include <json/json.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <rapidjson/document.h>
#include <yaml-cpp/yaml.h>

#include "third-party.h"

struct here {
	int first;
	nlohmann::json json;
};

nlohmann::json g_nlohmann_object;
nlohmann::json g_nlohmann_array;
rapidjson::Document g_rapidjson(rapidjson::kArrayType);
Json::Value g_jsoncpp(Json::arrayValue);
pugi::xml_document g_pugixml;
YAML::Node g_yaml;

struct members {
	int first;
	nlohmann::json json;
	Json::Value value;
};
members g_members;
members *g_behind = new members();

GLOBAL(g_nlohmann_object, g_nlohmann_object.size(), g_nlohmann_object[text(i)] = text(i));
GLOBAL(g_nlohmann_array, g_nlohmann_array.size(), g_nlohmann_array.push_back({i, text(i)}));
GLOBAL(g_rapidjson, g_rapidjson.Size(),
       g_rapidjson.PushBack(rapidjson::Value(text(i).c_str(), g_rapidjson.GetAllocator()), g_rapidjson.GetAllocator()));
GLOBAL(g_jsoncpp, g_jsoncpp.size(), g_jsoncpp.append(text(i)));
GLOBAL(g_pugixml, -1, g_pugixml.append_child("item").append_attribute("name").set_value(text(i).c_str()));
GLOBAL(g_yaml, g_yaml.size(), g_yaml.push_back(text(i)));
GROWS(member_json, "g_members.json", g_members, g_members.json.size(), g_members.json[text(i)] = i);
GROWS(member_value, "g_behind->value", g_behind, g_behind->value.size(), g_behind->value[text(i)] = text(i));
GROWS(local_json, "here.json", *here, here->json.size(), here->json.push_back(text(i)));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
