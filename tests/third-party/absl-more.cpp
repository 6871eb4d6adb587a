// SPDX-License-Identifier: LGPL-2.1-or-later
// More of Abseil's and Protocol Buffers' containers: see third-party.h.
#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/fixed_array.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/inlined_vector.h>
#include <absl/container/node_hash_map.h>
#include <absl/container/node_hash_set.h>
#include <absl/strings/cord.h>
#include <absl/types/any.h>
#include <absl/types/optional.h>
#include <absl/types/variant.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/struct.pb.h>
#include <memory>
#include <vector>

#include "third-party.h"

namespace pb = google::protobuf;

struct item {
	long number;
	std::string name;
};

absl::flat_hash_map<std::string, std::unique_ptr<item>> g_unique_map;
absl::flat_hash_map<int, std::shared_ptr<item>> g_shared_map;
absl::flat_hash_map<int, std::vector<int>> g_vectors;
absl::flat_hash_set<std::string> g_strings;
absl::node_hash_map<std::string, item> g_node_map;
absl::node_hash_set<long> g_node_set;
absl::btree_map<std::string, std::unique_ptr<item>> g_btree_map;
absl::btree_set<long> g_btree_set;
absl::btree_multiset<std::string> g_btree_multiset;
absl::InlinedVector<std::string, 2> g_inlined;
absl::InlinedVector<std::unique_ptr<item>, 2> g_inlined_pointers;
absl::variant<int, absl::flat_hash_map<int, std::string>> g_variant = absl::flat_hash_map<int, std::string>();
absl::optional<absl::flat_hash_set<std::string>> g_optional = absl::flat_hash_set<std::string>();
absl::flat_hash_map<int, absl::flat_hash_map<int, std::string>> g_nested;
std::vector<std::unique_ptr<absl::FixedArray<long>>> g_fixed_arrays;
absl::flat_hash_map<int, absl::Cord> g_cords;

pb::RepeatedPtrField<pb::Any> g_anys;
pb::Map<std::string, pb::Value> g_values;
pb::RepeatedField<double> g_doubles;
pb::RepeatedPtrField<std::string> g_names;
pb::DescriptorProto *g_message = new pb::DescriptorProto();
pb::ListValue g_list_value;
std::unique_ptr<pb::FileDescriptorSet> g_file_set(new pb::FileDescriptorSet());
pb::Arena g_arena;
pb::Struct *g_on_arena = pb::Arena::CreateMessage<pb::Struct>(&g_arena);

struct members {
	int first;
	absl::node_hash_map<int, std::string> node_map;
	absl::btree_map<int, std::string> btree;
	absl::flat_hash_map<std::string, std::vector<std::string>> lists;
	pb::RepeatedField<int> numbers;
	pb::Struct document;
};
members *g_behind = new members();
members g_members;

static absl::btree_map<int, std::string> &btree()
{
	static absl::btree_map<int, std::string> s_btree;
	return s_btree;
}

thread_local absl::flat_hash_map<int, std::string> t_flat_hash_map;

struct here {
	int first;
	absl::node_hash_map<int, std::string> node_map;
	absl::InlinedVector<std::string, 4> inlined;
	pb::RepeatedPtrField<std::string> names;
	pb::RepeatedField<long> numbers;
	pb::Struct document;
};

GLOBAL(g_unique_map, g_unique_map.size(), g_unique_map[text(i)].reset(new item{ i, text(i) }));
GLOBAL(g_shared_map, g_shared_map.size(), g_shared_map[(int)i] = std::make_shared<item>(item{ i, text(i) }));
GLOBAL(g_vectors, g_vectors.size(), g_vectors[(int)i].resize(30));
GLOBAL(g_strings, g_strings.size(), g_strings.insert(text(i)));
GLOBAL(g_node_map, g_node_map.size(), g_node_map[text(i)] = item({ i, text(i) }));
GLOBAL(g_node_set, g_node_set.size(), g_node_set.insert(i));
GLOBAL(g_btree_map, g_btree_map.size(), g_btree_map[text(i)].reset(new item{ i, text(i) }));
GLOBAL(g_btree_set, g_btree_set.size(), g_btree_set.insert(i));
GLOBAL(g_btree_multiset, g_btree_multiset.size(), g_btree_multiset.insert(text(i / 2)));
GLOBAL(g_inlined, g_inlined.size(), g_inlined.push_back(text(i)));
GLOBAL(g_inlined_pointers, g_inlined_pointers.size(), g_inlined_pointers.emplace_back(new item{ i, text(i) }));
GLOBAL(g_variant, (absl::get<1>(g_variant).size()), absl::get<1>(g_variant)[(int)i] = text(i));
GLOBAL(g_optional, g_optional->size(), g_optional->insert(text(i)));
GLOBAL(g_nested, g_nested.size(), g_nested[(int)i / 10][(int)i] = text(i));
GLOBAL(g_fixed_arrays, g_fixed_arrays.size(), g_fixed_arrays.emplace_back(new absl::FixedArray<long>(60)));
GLOBAL(g_cords, g_cords.size(), g_cords[(int)i] = absl::Cord(text(i)));
GLOBAL(g_anys, g_anys.size(), pb::Value value; value.set_string_value(text(i)); g_anys.Add()->PackFrom(value));
GLOBAL(g_values, g_values.size(), g_values[text(i)].set_string_value(text(i)));
GLOBAL(g_doubles, g_doubles.size(), g_doubles.Add((double)i));
GLOBAL(g_names, g_names.size(), *g_names.Add() = text(i));
GLOBAL(g_message, g_message->field_size(), g_message->add_field()->set_name(text(i)));
GLOBAL(g_list_value, g_list_value.values_size(), g_list_value.add_values()->set_string_value(text(i)));
GLOBAL(g_file_set, g_file_set->file_size(), g_file_set->add_file()->set_name(text(i)));
GROWS(on_arena, "g_arena|g_on_arena", g_on_arena, g_on_arena->fields_size(),
	(*g_on_arena->mutable_fields())[text(i)].set_string_value(text(i)));
GROWS(node_map, "g_behind->node_map", g_behind, g_behind->node_map.size(), g_behind->node_map[(int)i] = text(i));
GROWS(behind_btree, "g_behind->btree", g_behind, g_behind->btree.size(), g_behind->btree[(int)i] = text(i));
GROWS(lists, "g_members.lists", g_members, g_members.lists.size(), g_members.lists[text(i)].push_back(text(i)));
GROWS(numbers, "g_members.numbers", g_members, g_members.numbers.size(), g_members.numbers.Add((int)i));
GROWS(behind_numbers, "g_behind->numbers", g_behind, g_behind->numbers.size(), g_behind->numbers.Add((int)i));
GROWS(document, "g_members.document", g_members, g_members.document.fields_size(),
	(*g_members.document.mutable_fields())[text(i)].set_number_value((double)i));
GROWS(s_btree, "s_btree", btree(), btree().size(), btree()[(int)i] = text(i));
GROWS(t_flat_hash_map, "t_flat_hash_map", t_flat_hash_map, t_flat_hash_map.size(), t_flat_hash_map[(int)i] = text(i));
GROWS(local_node_map, "here.node_map", *here, here->node_map.size(), here->node_map[(int)i] = text(i));
GROWS(local_inlined, "here.inlined", *here, here->inlined.size(), here->inlined.push_back(text(i)));
GROWS(local_names, "here.names", *here, here->names.size(), *here->names.Add() = text(i));
GROWS(local_numbers, "here.numbers", *here, here->numbers.size(), here->numbers.Add(i));
GROWS(local_document, "here.document", *here, here->document.fields_size(),
	(*here->document.mutable_fields())[text(i)].set_number_value((double)i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
