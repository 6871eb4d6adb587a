// SPDX-License-Identifier: LGPL-2.1-or-later
// Libraries of C++ that keep things: POCO, LevelDB, OpenCV, ICU, Xerces, Armadillo, LEMON, {fmt}, msgpack, libconfig++, Xapian:
// see third-party.h.
#include <armadillo>
#include <Poco/Dynamic/Struct.h>
#include <Poco/ExpireCache.h>
#include <Poco/HashMap.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/LRUCache.h>
#include <Poco/LinearHashTable.h>
#include <Poco/ListMap.h>
#include <Poco/NotificationQueue.h>
#include <Poco/SharedPtr.h>
#include <fmt/format.h>
#include <lemon/list_graph.h>
#include <lemon/smart_graph.h>
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/write_batch.h>
#include <libconfig.h++>
#include <msgpack.hpp>
#include <opencv2/core.hpp>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uniset.h>
#include <unicode/ustring.h>
#include <xercesc/dom/DOM.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/RefHashTableOf.hpp>
#include <xercesc/util/ValueVectorOf.hpp>
#include <xercesc/util/XMLString.hpp>

#include "third-party.h"

namespace xe = xercesc;

struct note : Poco::Notification {
	std::string words;
	explicit note(const std::string &words) : words(words)
	{
	}
};

Poco::HashMap<std::string, std::string> g_poco_hash_map;
Poco::LinearHashTable<std::string> g_poco_table;
Poco::LRUCache<std::string, std::string> g_poco_lru(1000000);
Poco::ExpireCache<int, std::string> g_poco_expire(10000000);
Poco::ListMap<std::string, std::string> g_poco_list_map;
Poco::NotificationQueue g_poco_queue;
Poco::JSON::Object::Ptr g_poco_json = new Poco::JSON::Object();
Poco::JSON::Array g_poco_array;
Poco::DynamicStruct g_poco_struct;
std::map<std::string, Poco::SharedPtr<std::string>> g_poco_shared;
leveldb::Cache *g_leveldb_cache = leveldb::NewLRUCache(1000000000);
leveldb::WriteBatch g_leveldb_batch;
cv::Mat g_cv_mat;
std::vector<cv::Mat> g_cv_mats;
cv::SparseMat g_cv_sparse;
icu::UnicodeString g_icu_string;
icu::UnicodeSet g_icu_set;
xe::DOMDocument *g_xerces_document;
xe::ValueVectorOf<long> *g_xerces_vector;
arma::mat g_arma_mat;
arma::sp_mat g_arma_sparse;
arma::field<std::string> g_arma_field;
lemon::ListGraph g_lemon_list;
lemon::SmartDigraph g_lemon_smart;
lemon::ListGraph::NodeMap<std::string> g_lemon_names(g_lemon_list);
fmt::memory_buffer g_fmt_buffer;
msgpack::sbuffer g_msgpack_buffer;
msgpack::zone g_msgpack_zone;
std::vector<msgpack::object_handle> g_msgpack_objects;
libconfig::Config g_config;

struct members {
	int first;
	Poco::HashMap<int, std::string> poco;
	cv::Mat mat;
	arma::vec vec;
};
members g_members;
members *g_behind = new members();

struct here {
	int first;
	Poco::LRUCache<int, std::string> lru{ 1000000 };
	cv::Mat mat;
	fmt::memory_buffer buffer;
};

static void grow(cv::Mat &mat, long i)
{
	mat.push_back(cv::Mat(1, 16, CV_64F, cv::Scalar((double)i)));
}

static void add_to_document(long i)
{
	if (g_xerces_document == nullptr) {
		xe::XMLPlatformUtils::Initialize();
		XMLCh *name = xe::XMLString::transcode("root");
		XMLCh *core = xe::XMLString::transcode("Core");
		g_xerces_document = xe::DOMImplementationRegistry::getDOMImplementation(core)->createDocument(
			nullptr, name, nullptr);
	}
	XMLCh *words = xe::XMLString::transcode(text(i).c_str());
	g_xerces_document->getDocumentElement()->appendChild(g_xerces_document->createTextNode(words));
	xe::XMLString::release(&words);
}

static void add_sparse(long i)
{
	const int sizes[] = { 1000000, 10 };
	if (g_cv_sparse.dims() == 0)
		g_cv_sparse.create(2, sizes, CV_64F);
	g_cv_sparse.ref<double>((int)(i % 1000000), 2) = 1;
}

static void forget(const leveldb::Slice &, void *value)
{
	delete (std::string *)value;
}

static void add_packed(long i)
{
	msgpack::sbuffer packed;
	msgpack::pack(packed, std::vector<std::string>{ text(i), text(i + 1) });
	g_msgpack_objects.push_back(msgpack::unpack(packed.data(), packed.size()));
}

GLOBAL(g_poco_hash_map, g_poco_hash_map.size(), g_poco_hash_map[text(i)] = text(i));
GLOBAL(g_poco_table, g_poco_table.size(), g_poco_table.insert(text(i)));
GLOBAL(g_poco_lru, g_poco_lru.size(), g_poco_lru.add(text(i), text(i)));
GLOBAL(g_poco_expire, g_poco_expire.size(), g_poco_expire.add((int)i, text(i)));
GLOBAL(g_poco_list_map, g_poco_list_map.size(), g_poco_list_map.insert({ text(i), text(i) }));
GLOBAL(g_poco_queue, g_poco_queue.size(), g_poco_queue.enqueueNotification(new note(text(i))));
GLOBAL(g_poco_json, g_poco_json->size(), g_poco_json->set(text(i), text(i)));
GLOBAL(g_poco_array, g_poco_array.size(), g_poco_array.add(text(i)));
GLOBAL(g_poco_struct, g_poco_struct.size(), g_poco_struct.insert(text(i), text(i)));
GLOBAL(g_poco_shared, g_poco_shared.size(), g_poco_shared[text(i)] = new std::string(text(i)));
GLOBAL(g_leveldb_cache, -1,
	g_leveldb_cache->Release(g_leveldb_cache->Insert(text(i), new std::string(text(i)), 1, forget)));
GLOBAL(g_leveldb_batch, -1, g_leveldb_batch.Put(text(i), text(i)));
GLOBAL(g_cv_mat, -1, grow(g_cv_mat, i));
GLOBAL(g_cv_mats, g_cv_mats.size(), g_cv_mats.push_back(cv::Mat(10, 10, CV_64F, cv::Scalar((double)i))));
GLOBAL(g_cv_sparse, -1, add_sparse(i));
GLOBAL(g_icu_string, g_icu_string.length(), g_icu_string.append(icu::UnicodeString::fromUTF8(text(i))));
GLOBAL(g_icu_set, -1, g_icu_set.add((UChar32)(3 * i % 1000000)); g_icu_set.add(icu::UnicodeString::fromUTF8(text(i))));
GLOBAL(g_xerces_document, -1, add_to_document(i));
GLOBAL(
	g_xerces_vector, g_xerces_vector->size(), if (g_xerces_vector == nullptr) {
		xe::XMLPlatformUtils::Initialize();
		g_xerces_vector = new xe::ValueVectorOf<long>(16);
	} g_xerces_vector->addElement(i));
GLOBAL(g_arma_mat, -1, if (i % 100 == 0) g_arma_mat.resize((arma::uword)(8 + 10 * i), 8));
GLOBAL(g_arma_sparse, -1,
	if (i % 100 == 0) g_arma_sparse = arma::speye((arma::uword)(50 * i + 10), (arma::uword)(50 * i + 10)));
GLOBAL(
	g_arma_field, -1, if (i % 100 == 0) {
		g_arma_field.set_size((arma::uword)i + 10);
		g_arma_field.for_each([i](std::string &one) { one = text(i); });
	});
GLOBAL(g_lemon_list, -1, g_lemon_list.addEdge(g_lemon_list.addNode(), g_lemon_list.addNode()));
GLOBAL(g_lemon_smart, -1, g_lemon_smart.addArc(g_lemon_smart.addNode(), g_lemon_smart.addNode()));
GLOBAL(g_fmt_buffer, g_fmt_buffer.size(), fmt::format_to(std::back_inserter(g_fmt_buffer), "{:080}", i));
GLOBAL(g_msgpack_buffer, g_msgpack_buffer.size(), msgpack::pack(g_msgpack_buffer, text(i)));
GLOBAL(g_msgpack_zone, -1, g_msgpack_zone.allocate_align(100));
GLOBAL(g_msgpack_objects, g_msgpack_objects.size(), add_packed(i));
GLOBAL(g_config, g_config.getRoot().getLength(),
	g_config.getRoot().add("k" + text(i), libconfig::Setting::TypeString) = text(i));
GROWS(poco, "g_members.poco", g_members, g_members.poco.size(), g_members.poco[(int)i] = text(i));
GROWS(mat, "g_behind->mat", g_behind, -1, grow(g_behind->mat, i));
GROWS(vec, "g_behind->vec", g_behind, -1, if (i % 100 == 0) g_behind->vec.resize((arma::uword)(8 + 80 * i)));
GROWS(local_lru, "here.lru", *here, here->lru.size(), here->lru.add((int)i, text(i)));
GROWS(local_mat, "here.mat", *here, -1, grow(here->mat, i));
GROWS(local_buffer, "here.buffer", *here, here->buffer.size(),
	fmt::format_to(std::back_inserter(here->buffer), "{:080}", i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
