// SPDX-License-Identifier: LGPL-2.1-or-later
// Boost's containers: see third-party.h.
#include <boost/any.hpp>
#include <boost/bimap.hpp>
#include <boost/circular_buffer.hpp>
#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/dynamic_bitset.hpp>
#include <boost/heap/d_ary_heap.hpp>
#include <boost/heap/fibonacci_heap.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/stack.hpp>
#include <boost/multi_array.hpp>
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/identity.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/optional.hpp>
#include <boost/pool/object_pool.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/ptr_container/ptr_map.hpp>
#include <boost/ptr_container/ptr_vector.hpp>
#include <boost/shared_ptr.hpp>
#include <boost/make_shared.hpp>
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#include <boost/variant.hpp>
#include <vector>

#include "third-party.h"

namespace bc = boost::container;
namespace bi = boost::intrusive;
namespace mi = boost::multi_index;

struct employee {
	int id;
	std::string name;
	employee(int id, const std::string &name) : id(id), name(name) {}
};

struct linked : bi::list_base_hook<> {
	std::string name;
	explicit linked(const std::string &name) : name(name) {}
};

struct ranked : bi::set_base_hook<> {
	long rank;
	char note[90];
	explicit ranked(long rank) : rank(rank) { snprintf(note, sizeof(note), "%ld", rank); }
	bool operator<(const ranked &other) const { return rank < other.rank; }
};

struct pooled {
	long number;
	char note[56];
};

using hashed_index = mi::multi_index_container<
    employee, mi::indexed_by<mi::hashed_unique<mi::member<employee, int, &employee::id>>>>;
using ordered_index = mi::multi_index_container<
    employee, mi::indexed_by<mi::ordered_unique<mi::member<employee, int, &employee::id>>,
			     mi::ordered_non_unique<mi::member<employee, std::string, &employee::name>>>>;
using sequenced_index = mi::multi_index_container<
    employee, mi::indexed_by<mi::sequenced<>, mi::hashed_unique<mi::member<employee, int, &employee::id>>>>;
using text_or_numbers = boost::variant<int, std::vector<std::string>>;

bc::flat_map<int, std::string> g_flat_map;
bc::flat_set<std::string> g_flat_set;
bc::stable_vector<std::string> g_stable_vector;
bc::deque<std::string> g_deque;
bc::map<int, std::string> g_map;
bc::list<std::string> g_list;
bc::slist<std::string> g_slist;
bc::string g_string;
boost::unordered_map<std::string, int> g_unordered_map;
boost::unordered_set<long> g_unordered_set;
hashed_index g_hashed_index;
ordered_index g_ordered_index;
bi::list<linked> g_intrusive_list;
bi::set<ranked> g_intrusive_set;
boost::ptr_vector<employee> g_ptr_vector;
boost::ptr_map<int, employee> g_ptr_map;
boost::any g_any = std::vector<std::string>();
text_or_numbers g_variant = std::vector<std::string>();
static long queued, stacked; // that they do not count themselves
boost::lockfree::queue<long> g_lockfree_queue(8);
boost::lockfree::stack<long> g_lockfree_stack(8);
boost::multi_array<double, 2> g_multi_array(boost::extents[8][8]);
boost::object_pool<pooled> g_object_pool;
boost::heap::d_ary_heap<long, boost::heap::arity<4>> g_d_ary_heap;
boost::shared_ptr<std::vector<std::string>> g_shared_ptr = boost::make_shared<std::vector<std::string>>();
boost::optional<std::vector<std::string>> g_optional = std::vector<std::string>();

struct shop {
	int open;
	bc::small_vector<std::string, 4> small_vector;
	boost::circular_buffer<std::string> circular_buffer{8};
	boost::property_tree::ptree tree;
	boost::bimap<int, std::string> bimap;
};
shop g_shop;

struct heaped {
	int used;
	boost::dynamic_bitset<> dynamic_bitset;
	boost::heap::fibonacci_heap<long> fibonacci_heap;
};
heaped *g_heaped = new heaped();

static sequenced_index &sequenced()
{
	static sequenced_index s_sequenced_index;
	return s_sequenced_index;
}

struct here {
	int first;
	boost::unordered_map<int, std::string> unordered_map;
	bc::flat_map<long, long> flat_map;
};

GLOBAL(g_flat_map, g_flat_map.size(), g_flat_map[(int)i] = text(i));
GLOBAL(g_flat_set, g_flat_set.size(), g_flat_set.insert(g_flat_set.end(), text(1000000000 + i)));
GLOBAL(g_stable_vector, g_stable_vector.size(), g_stable_vector.push_back(text(i)));
GLOBAL(g_deque, g_deque.size(), g_deque.push_back(text(i)));
GLOBAL(g_map, g_map.size(), g_map[(int)i] = text(i));
GLOBAL(g_list, g_list.size(), g_list.push_back(text(i)));
GLOBAL(g_slist, g_slist.size(), g_slist.push_front(text(i)));
GLOBAL(g_string, g_string.size(), g_string.append(text(i).c_str()));
GLOBAL(g_unordered_map, g_unordered_map.size(), g_unordered_map[text(i)] = (int)i);
GLOBAL(g_unordered_set, g_unordered_set.size(), g_unordered_set.insert(i));
GLOBAL(g_hashed_index, g_hashed_index.size(), g_hashed_index.emplace((int)i, text(i)));
GLOBAL(g_ordered_index, g_ordered_index.size(), g_ordered_index.emplace((int)i, text(i)));
GROWS(s_sequenced_index, "s_sequenced_index", sequenced(), sequenced().size(), sequenced().emplace_back((int)i, text(i)));
GLOBAL(g_intrusive_list, g_intrusive_list.size(), g_intrusive_list.push_back(*new linked(text(i))));
GLOBAL(g_intrusive_set, g_intrusive_set.size(), g_intrusive_set.insert(*new ranked(i)));
GLOBAL(g_ptr_vector, g_ptr_vector.size(), g_ptr_vector.push_back(new employee((int)i, text(i))));
GLOBAL(g_ptr_map, g_ptr_map.size(), int key = (int)i; g_ptr_map.insert(key, new employee(key, text(i))));
GLOBAL(g_any, boost::any_cast<std::vector<std::string> &>(g_any).size(),
       boost::any_cast<std::vector<std::string> &>(g_any).push_back(text(i)));
GLOBAL(g_variant, boost::get<std::vector<std::string>>(g_variant).size(),
       boost::get<std::vector<std::string>>(g_variant).push_back(text(i)));
GLOBAL(g_lockfree_queue, queued, queued += g_lockfree_queue.push(i));
GLOBAL(g_lockfree_stack, stacked, stacked += g_lockfree_stack.push(i));
GLOBAL(g_multi_array, g_multi_array.num_elements(),
	if (i % 100 == 0) g_multi_array.resize(boost::extents[8 + 20 * i][8]));
GLOBAL(g_object_pool, -1, g_object_pool.construct()->number = i);
GLOBAL(g_d_ary_heap, g_d_ary_heap.size(), g_d_ary_heap.push(i));
GLOBAL(g_shared_ptr, g_shared_ptr->size(), g_shared_ptr->push_back(text(i)));
GLOBAL(g_optional, g_optional->size(), g_optional->push_back(text(i)));
GROWS(small_vector, "g_shop.small_vector", g_shop, g_shop.small_vector.size(), g_shop.small_vector.push_back(text(i)));
GROWS(circular_buffer, "g_shop.circular_buffer", g_shop, g_shop.circular_buffer.size(),
      if (g_shop.circular_buffer.full()) g_shop.circular_buffer.set_capacity(2 * g_shop.circular_buffer.capacity());
      g_shop.circular_buffer.push_back(text(i)));
GROWS(property_tree, "g_shop.tree", g_shop, g_shop.tree.size(),
      g_shop.tree.push_back({text(i), boost::property_tree::ptree(text(i))}));
GROWS(bimap, "g_shop.bimap", g_shop, g_shop.bimap.size(), g_shop.bimap.insert({(int)i, text(i)}));
GROWS(dynamic_bitset, "g_heaped->dynamic_bitset", g_heaped, g_heaped->dynamic_bitset.num_blocks(),
	g_heaped->dynamic_bitset.resize((size_t)i * 64 + 64, true));
GROWS(fibonacci_heap, "g_heaped->fibonacci_heap", g_heaped, g_heaped->fibonacci_heap.size(),
      g_heaped->fibonacci_heap.push(i));
GROWS(local_unordered_map, "here.unordered_map", *here, here->unordered_map.size(), here->unordered_map[(int)i] = text(i));
GROWS(local_flat_map, "here.flat_map", *here, here->flat_map.size(), here->flat_map[i] = i);

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
