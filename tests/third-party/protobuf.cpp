// SPDX-License-Identifier: LGPL-2.1-or-later
// Protocol Buffers' containers: see third-party.h.
#include <google/protobuf/arena.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/map.h>
#include <google/protobuf/repeated_field.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include "third-party.h"

namespace pb = google::protobuf;

struct here {
	int first;
	pb::Map<int, std::string> map;
};

pb::RepeatedField<long> g_repeated_field;
pb::RepeatedPtrField<std::string> g_repeated_ptr_field;
pb::Map<std::string, std::string> g_map;
pb::Struct g_struct;
pb::FileDescriptorProto g_file;
pb::UnknownFieldSet g_unknown;

struct members {
	int first;
	pb::RepeatedPtrField<pb::FieldDescriptorProto> fields;
	pb::Map<int, pb::Value> values;
};
members g_members;
members *g_behind = new members();

GLOBAL(g_repeated_field, g_repeated_field.size(), g_repeated_field.Add(i));
GLOBAL(g_repeated_ptr_field, g_repeated_ptr_field.size(), *g_repeated_ptr_field.Add() = text(i));
GLOBAL(g_map, g_map.size(), g_map[text(i)] = text(i));
GLOBAL(g_struct, g_struct.fields_size(), (*g_struct.mutable_fields())[text(i)].set_string_value(text(i)));
GLOBAL(g_file, g_file.message_type_size(), g_file.add_message_type()->set_name(text(i)));
GLOBAL(g_unknown, g_unknown.field_count(), g_unknown.AddLengthDelimited(5, text(i)));
GROWS(fields, "g_members.fields", g_members, g_members.fields.size(), g_members.fields.Add()->set_name(text(i)));
GROWS(values, "g_behind->values", g_behind, g_behind->values.size(), g_behind->values[(int)i].set_string_value(text(i)));
GROWS(local_map, "here.map", *here, here->map.size(), here->map[(int)i] = text(i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
