// SPDX-License-Identifier: LGPL-2.1-or-later
// More documents and tables (nlohmann-json, RapidJSON, TinyXML-2, pugixml, yaml-cpp, hopscotch-map, libcuckoo, sparsehash,
// colony, moodycamel's queue, std::pmr): see third-party.h.
#include <concurrentqueue/concurrentqueue.h>
#include <google/dense_hash_set>
#include <json/json.h>
#include <libcuckoo/cuckoohash_map.hh>
#include <memory_resource>
#include <nlohmann/json.hpp>
#include <plf_colony.h>
#include <pugixml.hpp>
#include <rapidjson/document.h>
#include <sparsehash/dense_hash_map>
#include <sparsehash/sparse_hash_map>
#include <tinyxml2.h>
#include <tsl/bhopscotch_map.h>
#include <tsl/hopscotch_map.h>
#include <tsl/hopscotch_set.h>
#include <tsl/robin_map.h>
#include <unordered_map>
#include <vector>
#include <yaml-cpp/yaml.h>

#include "third-party.h"

struct item {
	long number;
	std::string name;
};

nlohmann::ordered_json g_ordered_json;
nlohmann::json g_nested_json;
std::vector<nlohmann::json> g_jsons;
std::unordered_map<std::string, nlohmann::json> g_json_by_name;
rapidjson::Document g_rapidjson_object(rapidjson::kObjectType);
tinyxml2::XMLDocument g_tinyxml;
YAML::Node g_yaml_map;
Json::Value g_jsoncpp_object(Json::objectValue);
tsl::hopscotch_map<int, std::string> g_hopscotch_map;
tsl::hopscotch_set<std::string> g_hopscotch_set;
tsl::bhopscotch_map<std::string, int> g_bhopscotch_map;
tsl::robin_map<int, std::unique_ptr<item>> g_robin_pointers;
libcuckoo::cuckoohash_map<int, std::string> g_cuckoo_map;
google::dense_hash_set<std::string> g_dense_hash_set;
google::dense_hash_map<std::string, std::string> g_dense_hash_strings;
google::sparse_hash_map<long, long> g_sparse_numbers;
plf::colony<item> g_colony;
moodycamel::ConcurrentQueue<std::string> g_moodycamel;
std::pmr::monotonic_buffer_resource g_monotonic;
std::pmr::vector<std::pmr::string> g_pmr_vector(&g_monotonic);
std::pmr::unsynchronized_pool_resource g_pool;
std::pmr::map<int, std::pmr::string> g_pmr_map(&g_pool);
std::pmr::unordered_map<int, std::pmr::string> g_pmr_default;

struct members {
	int first;
	nlohmann::json json;
	google::dense_hash_map<int, std::string> dense;
	tsl::hopscotch_map<int, std::string> hopscotch;
	rapidjson::Document document{ rapidjson::kArrayType };
};
members *g_behind = new members();

static nlohmann::json &statics()
{
	static nlohmann::json s_json;
	return s_json;
}

thread_local nlohmann::json t_json;

struct here {
	int first;
	nlohmann::json object;
	nlohmann::ordered_json ordered;
	google::sparse_hash_map<int, std::string> sparse;
	rapidjson::Document document{ rapidjson::kArrayType };
};

GLOBAL(g_ordered_json, g_ordered_json.size(), g_ordered_json.push_back({ text(i), text(i) }));
GLOBAL(g_nested_json, g_nested_json.size(), g_nested_json[text(i)]["name"] = text(i));
GLOBAL(g_jsons, g_jsons.size(), nlohmann::json one; one["id"] = i; one["name"] = text(i); g_jsons.push_back(one));
GLOBAL(g_json_by_name, g_json_by_name.size(), g_json_by_name[text(i)]["id"] = i);
GLOBAL(g_rapidjson_object, g_rapidjson_object.MemberCount(),
	g_rapidjson_object.AddMember(rapidjson::Value(text(i).c_str(), g_rapidjson_object.GetAllocator()),
		rapidjson::Value((int)i), g_rapidjson_object.GetAllocator()));
GLOBAL(g_tinyxml, -1, tinyxml2::XMLElement *element = g_tinyxml.NewElement("item");
	element->SetAttribute("name", text(i).c_str()); g_tinyxml.InsertEndChild(element));
GLOBAL(g_yaml_map, g_yaml_map.size(), g_yaml_map[text(i)] = text(i));
GLOBAL(g_jsoncpp_object, g_jsoncpp_object.size(), g_jsoncpp_object[text(i)] = (int)i);
GLOBAL(g_hopscotch_map, g_hopscotch_map.size(), g_hopscotch_map[(int)i] = text(i));
GLOBAL(g_hopscotch_set, g_hopscotch_set.size(), g_hopscotch_set.insert(text(i)));
GLOBAL(g_bhopscotch_map, g_bhopscotch_map.size(), g_bhopscotch_map[text(i)] = (int)i);
GLOBAL(g_robin_pointers, g_robin_pointers.size(), g_robin_pointers[(int)i].reset(new item{ i, text(i) }));
GLOBAL(g_cuckoo_map, g_cuckoo_map.size(), g_cuckoo_map.insert((int)i, text(i)));
GLOBAL(g_dense_hash_set, g_dense_hash_set.size(),
	if (i == 0 && g_dense_hash_set.empty()) g_dense_hash_set.set_empty_key("");
	g_dense_hash_set.insert(text(i)));
GLOBAL(g_dense_hash_strings, g_dense_hash_strings.size(),
	if (i == 0 && g_dense_hash_strings.empty()) g_dense_hash_strings.set_empty_key("");
	g_dense_hash_strings[text(i)] = text(i));
GLOBAL(g_sparse_numbers, g_sparse_numbers.size(), g_sparse_numbers[i] = i);
GLOBAL(g_colony, g_colony.size(), g_colony.insert(item{ i, text(i) }));
GLOBAL(g_moodycamel, g_moodycamel.size_approx(), g_moodycamel.enqueue(text(i)));
GROWS(pmr_vector, "g_pmr_vector|g_monotonic", g_pmr_vector, g_pmr_vector.size(), g_pmr_vector.emplace_back(text(i)));
GROWS(pmr_map, "g_pmr_map|g_pool", g_pmr_map, g_pmr_map.size(), g_pmr_map[(int)i] = text(i));
GLOBAL(g_pmr_default, g_pmr_default.size(), g_pmr_default[(int)i] = text(i));
GROWS(json, "g_behind->json", g_behind, g_behind->json.size(), g_behind->json[text(i)] = text(i));
GROWS(dense, "g_behind->dense", g_behind, g_behind->dense.size(),
	if (i == 0 && g_behind->dense.empty()) g_behind->dense.set_empty_key(-1);
	g_behind->dense[(int)i] = text(i));
GROWS(hopscotch, "g_behind->hopscotch", g_behind, g_behind->hopscotch.size(), g_behind->hopscotch[(int)i] = text(i));
GROWS(document, "g_behind->document", g_behind, g_behind->document.Size(),
	g_behind->document.PushBack(rapidjson::Value(text(i).c_str(), g_behind->document.GetAllocator()),
		g_behind->document.GetAllocator()));
GROWS(s_json, "s_json", statics(), statics().size(), statics().push_back(text(i)));
GROWS(t_json, "t_json", t_json, t_json.size(), t_json[text(i)] = i);
GROWS(local_object, "here.object", *here, here->object.size(), here->object[text(i)] = text(i));
GROWS(local_ordered, "here.ordered", *here, here->ordered.size(), here->ordered.push_back({ text(i), i }));
GROWS(local_sparse, "here.sparse", *here, here->sparse.size(), here->sparse[(int)i] = text(i));
GROWS(local_document, "here.document", *here, here->document.Size(),
	here->document.PushBack((double)i, here->document.GetAllocator()));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
