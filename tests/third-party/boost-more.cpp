// SPDX-License-Identifier: LGPL-2.1-or-later
// More of Boost's containers: see third-party.h.
#include <boost/bimap.hpp>
#include <boost/bimap/multiset_of.hpp>
#include <boost/bimap/unordered_set_of.hpp>
#include <boost/circular_buffer.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/node_handle.hpp>
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#include <boost/container/set.hpp>
#include <boost/container/vector.hpp>
#include <boost/heap/binomial_heap.hpp>
#include <boost/heap/pairing_heap.hpp>
#include <boost/heap/priority_queue.hpp>
#include <boost/heap/skew_heap.hpp>
#include <boost/icl/interval_map.hpp>
#include <boost/intrusive/avl_set.hpp>
#include <boost/intrusive/rbtree.hpp>
#include <boost/intrusive/slist.hpp>
#include <boost/intrusive/unordered_set.hpp>
#include <boost/intrusive_ptr.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <boost/make_shared.hpp>
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/random_access_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/property_tree/ptree.hpp>
#include <boost/ptr_container/ptr_deque.hpp>
#include <boost/ptr_container/ptr_list.hpp>
#include <boost/ptr_container/ptr_unordered_map.hpp>
#include <boost/scoped_array.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#include <map>
#include <vector>

#include "third-party.h"

namespace bc = boost::container;
namespace bi = boost::intrusive;
namespace mi = boost::multi_index;

struct employee {
	int id;
	std::string name;
	employee(int id, const std::string &name) : id(id), name(name)
	{
	}
};

struct chained : bi::slist_base_hook<> {
	std::string name;
	explicit chained(const std::string &name) : name(name)
	{
	}
};

struct balanced : bi::avl_set_base_hook<> {
	long rank;
	char note[90];
	explicit balanced(long rank) : rank(rank)
	{
		snprintf(note, sizeof(note), "%ld", rank);
	}
	bool operator<(const balanced &other) const
	{
		return rank < other.rank;
	}
};

struct hashed {
	long number;
	bi::unordered_set_member_hook<> hook;
	char note[90];
	explicit hashed(long number) : number(number)
	{
		snprintf(note, sizeof(note), "%ld", number);
	}
	bool operator==(const hashed &other) const
	{
		return number == other.number;
	}
	friend std::size_t hash_value(const hashed &one)
	{
		return (std::size_t)one.number;
	}
};

struct counted : boost::intrusive_ref_counter<counted> {
	std::string name;
	explicit counted(const std::string &name) : name(name)
	{
	}
};

using by_place = mi::multi_index_container<employee, mi::indexed_by<mi::random_access<>>>;
using by_turn = mi::multi_index_container<employee, mi::indexed_by<mi::sequenced<>>>;
using by_both = mi::multi_index_container<employee,
	mi::indexed_by<mi::sequenced<>, mi::ordered_unique<mi::member<employee, int, &employee::id>>>>;
using by_name = mi::multi_index_container<employee,
	mi::indexed_by<mi::hashed_non_unique<mi::member<employee, std::string, &employee::name>>,
		mi::ordered_unique<mi::member<employee, int, &employee::id>>>>;
using hash_bimap = boost::bimap<boost::bimaps::unordered_set_of<int>, boost::bimaps::unordered_set_of<std::string>>;
using multi_bimap = boost::bimap<boost::bimaps::multiset_of<int>, std::string>;
using hashed_set = bi::unordered_set<hashed, bi::member_hook<hashed, bi::unordered_set_member_hook<>, &hashed::hook>>;

bc::set<std::string> g_set;
bc::multimap<int, std::string> g_multimap;
bc::vector<std::string> g_vector;
bc::flat_multimap<int, std::string> g_flat_multimap;
bi::slist<chained> g_intrusive_slist;
bi::avl_set<balanced> g_avl_set;
hashed_set::bucket_type g_buckets[1024];
hashed_set g_intrusive_hash(hashed_set::bucket_traits(g_buckets, 1024));
by_place g_by_place;
by_turn g_by_turn;
by_both g_by_both;
by_name g_by_name;
hash_bimap g_hash_bimap;
multi_bimap g_multi_bimap;
boost::ptr_unordered_map<int, employee> g_ptr_unordered_map;
boost::ptr_list<employee> g_ptr_list;
boost::ptr_deque<employee> g_ptr_deque;
boost::heap::binomial_heap<std::string> g_binomial_heap;
boost::heap::pairing_heap<long> g_pairing_heap;
boost::heap::priority_queue<std::string> g_priority_queue;
boost::heap::skew_heap<long> g_skew_heap;
boost::icl::interval_map<long, int> g_interval_map;
boost::unordered_multimap<int, std::string> g_unordered_multimap;
boost::unordered_map<std::string, boost::shared_ptr<employee>> g_shared_map;
std::vector<boost::intrusive_ptr<counted>> g_intrusive_ptrs;
std::map<int, boost::shared_ptr<employee>> g_shared_by_id;
boost::circular_buffer_space_optimized<long> g_space_optimized(4000000);

struct shop {
	int open;
	boost::unordered_map<int, bc::vector<int>> numbers;
	boost::property_tree::ptree tree;
	bc::map<std::string, std::string> names;
	by_both both;
};
shop *g_shop = new shop();
thread_local boost::unordered_map<int, std::string> t_unordered_map;
thread_local bc::flat_map<int, std::string> t_flat_map;

struct here {
	int first;
	boost::unordered_map<std::string, employee *> by_name;
	by_both both;
	bc::list<std::string> list;
};

static boost::unordered_set<std::string> &strings()
{
	static boost::unordered_set<std::string> s_strings;
	return s_strings;
}

GLOBAL(g_set, g_set.size(), g_set.insert(text(i)));
GLOBAL(g_multimap, g_multimap.size(), g_multimap.emplace((int)i / 2, text(i)));
GLOBAL(g_vector, g_vector.size(), g_vector.push_back(text(i)));
GLOBAL(g_flat_multimap, g_flat_multimap.size(), g_flat_multimap.emplace((int)i / 2, text(i)));
GLOBAL(g_intrusive_slist, g_intrusive_slist.size(), g_intrusive_slist.push_front(*new chained(text(i))));
GLOBAL(g_avl_set, g_avl_set.size(), g_avl_set.insert(*new balanced(i)));
GROWS(intrusive_hash, "g_intrusive_hash|g_buckets", g_buckets, g_intrusive_hash.size(),
	g_intrusive_hash.insert(*new hashed(i)));
GLOBAL(g_by_place, g_by_place.size(), g_by_place.push_back(employee((int)i, text(i))));
GLOBAL(g_by_turn, g_by_turn.size(), g_by_turn.push_back(employee((int)i, text(i))));
GLOBAL(g_by_both, g_by_both.size(), g_by_both.push_back(employee((int)i, text(i))));
GLOBAL(g_by_name, g_by_name.size(), g_by_name.insert(employee((int)i, text(i))));
GLOBAL(g_hash_bimap, g_hash_bimap.size(), g_hash_bimap.insert({ (int)i, text(i) }));
GLOBAL(g_multi_bimap, g_multi_bimap.size(), g_multi_bimap.insert({ (int)i / 2, text(i) }));
GLOBAL(g_ptr_unordered_map, g_ptr_unordered_map.size(), int key = (int)i;
	g_ptr_unordered_map.insert(key, new employee(key, text(i))));
GLOBAL(g_ptr_list, g_ptr_list.size(), g_ptr_list.push_back(new employee((int)i, text(i))));
GLOBAL(g_ptr_deque, g_ptr_deque.size(), g_ptr_deque.push_back(new employee((int)i, text(i))));
GLOBAL(g_binomial_heap, g_binomial_heap.size(), g_binomial_heap.push(text(i)));
GLOBAL(g_pairing_heap, g_pairing_heap.size(), g_pairing_heap.push(i));
GLOBAL(g_priority_queue, g_priority_queue.size(), g_priority_queue.push(text(i)));
GLOBAL(g_skew_heap, g_skew_heap.size(), g_skew_heap.push(i));
GLOBAL(g_interval_map, g_interval_map.iterative_size(),
	g_interval_map.add({ boost::icl::interval<long>::right_open(3 * i, 3 * i + 2), (int)i + 1 }));
GLOBAL(g_unordered_multimap, g_unordered_multimap.size(), g_unordered_multimap.emplace((int)i / 2, text(i)));
GLOBAL(g_shared_map, g_shared_map.size(), g_shared_map[text(i)] = boost::make_shared<employee>((int)i, text(i)));
GLOBAL(g_intrusive_ptrs, g_intrusive_ptrs.size(), g_intrusive_ptrs.emplace_back(new counted(text(i))));
GLOBAL(g_shared_by_id, g_shared_by_id.size(), g_shared_by_id[(int)i].reset(new employee((int)i, text(i))));
GLOBAL(g_space_optimized, g_space_optimized.size(), g_space_optimized.push_back(i));
GROWS(numbers, "g_shop->numbers", g_shop, g_shop->numbers.size(), g_shop->numbers[(int)i].resize(20));
GROWS(tree, "g_shop->tree", g_shop, g_shop->tree.size(), g_shop->tree.put(text(i), text(i)));
GROWS(names, "g_shop->names", g_shop, g_shop->names.size(), g_shop->names[text(i)] = text(i));
GROWS(both, "g_shop->both", g_shop, g_shop->both.size(), g_shop->both.push_back(employee((int)i, text(i))));
GROWS(s_strings, "s_strings", strings(), strings().size(), strings().insert(text(i)));
GROWS(t_unordered_map, "t_unordered_map", t_unordered_map, t_unordered_map.size(), t_unordered_map[(int)i] = text(i));
GROWS(t_flat_map, "t_flat_map", t_flat_map, t_flat_map.size(), t_flat_map[(int)i] = text(i));
GROWS(local_by_name, "here.by_name", *here, here->by_name.size(),
	here->by_name[text(i)] = new employee((int)i, text(i)));
GROWS(local_both, "here.both", *here, here->both.size(), here->both.push_back(employee((int)i, text(i))));
GROWS(local_list, "here.list", *here, here->list.size(), here->list.push_back(text(i)));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
