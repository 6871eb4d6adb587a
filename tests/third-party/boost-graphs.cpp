// SPDX-License-Identifier: LGPL-2.1-or-later
// Boost's graphs, matrices, trees in space, allocators of its own, and what else it keeps things in: see third-party.h.
#include <boost/asio/streambuf.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/multi_buffer.hpp>
#include <boost/bimap.hpp>
#include <boost/bimap/list_of.hpp>
#include <boost/bimap/unordered_set_of.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/pmr/map.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#include <boost/container/pmr/vector.hpp>
#include <boost/container/set.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <boost/container/vector.hpp>
#include <boost/function.hpp>
#include <boost/geometry.hpp>
#include <boost/geometry/geometries/point_xy.hpp>
#include <boost/geometry/geometries/polygon.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/adjacency_matrix.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/icl/interval_set.hpp>
#include <boost/icl/split_interval_map.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <boost/intrusive/sg_set.hpp>
#include <boost/intrusive/splay_set.hpp>
#include <boost/intrusive/treap_set.hpp>
#include <boost/multi_index/composite_key.hpp>
#include <boost/multi_index/hashed_index.hpp>
#include <boost/multi_index/member.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/ranked_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/numeric/ublas/matrix.hpp>
#include <boost/numeric/ublas/matrix_sparse.hpp>
#include <boost/numeric/ublas/vector.hpp>
#include <boost/pool/pool_alloc.hpp>
#include <boost/ptr_container/ptr_array.hpp>
#include <boost/ptr_container/ptr_circular_buffer.hpp>
#include <boost/ptr_container/ptr_map.hpp>
#include <boost/ptr_container/ptr_set.hpp>
#include <boost/signals2/signal.hpp>
#include <boost/make_shared.hpp>
#include <boost/unordered_map.hpp>
#include <boost/unordered_set.hpp>
#include <boost/variant.hpp>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "third-party.h"

namespace bc = boost::container;
namespace bg = boost::geometry;
namespace bi = boost::intrusive;
namespace mi = boost::multi_index;
namespace ublas = boost::numeric::ublas;

struct place {
	std::string name;
	double weight = 1;
};

struct item {
	int id;
	std::string name;
	item(int id, const std::string &name) : id(id), name(name)
	{
	}
	bool operator<(const item &other) const
	{
		return id < other.id;
	}
};

struct spread : bi::bs_set_base_hook<> {
	long rank;
	char note[72];
	explicit spread(long rank) : rank(rank)
	{
	}
	bool operator<(const spread &other) const
	{
		return rank < other.rank;
	}
};

struct heaped : bi::bs_set_base_hook<> {
	long rank;
	char note[72];
	explicit heaped(long rank) : rank(rank)
	{
	}
	bool operator<(const heaped &other) const
	{
		return rank < other.rank;
	}
	friend bool priority_order(const heaped &a, const heaped &b)
	{
		return a.rank * 2654435761u % 1000003 < b.rank * 2654435761u % 1000003;
	}
};

struct two_ways {
	long number;
	bi::list_member_hook<> by_turn;
	bi::set_member_hook<> by_number;
	char note[60];
	explicit two_ways(long number) : number(number)
	{
	}
	bool operator<(const two_ways &other) const
	{
		return number < other.number;
	}
};

using turns = bi::list<two_ways, bi::member_hook<two_ways, bi::list_member_hook<>, &two_ways::by_turn>>;
using numbers = bi::multiset<two_ways, bi::member_hook<two_ways, bi::set_member_hook<>, &two_ways::by_number>>;
using vector_graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, place, place>;
using list_graph = boost::adjacency_list<boost::listS, boost::listS, boost::undirectedS, place>;
using set_graph = boost::adjacency_list<boost::setS, boost::vecS, boost::bidirectionalS>;
using row_graph = boost::compressed_sparse_row_graph<boost::directedS>;
using point = bg::model::d2::point_xy<double>;
using ring_of_points = bg::model::polygon<point>;
using space = bg::index::rtree<std::pair<point, std::string>, bg::index::quadratic<16>>;
using ranked = mi::multi_index_container<item, mi::indexed_by<mi::ranked_unique<mi::member<item, int, &item::id>>>>;
using composite = mi::multi_index_container<item,
	mi::indexed_by<mi::ordered_unique<mi::composite_key<item, mi::member<item, int, &item::id>,
		mi::member<item, std::string, &item::name>>>>>;
using lru = mi::multi_index_container<std::string,
	mi::indexed_by<mi::sequenced<>, mi::hashed_unique<mi::identity<std::string>>>>;
using list_bimap = boost::bimap<boost::bimaps::unordered_set_of<std::string>, boost::bimaps::list_of<int>>;
using tree_of_values = boost::make_recursive_variant<int, std::string, std::vector<boost::recursive_variant_>,
	std::map<std::string, boost::recursive_variant_>>::type;
using pooled_list = std::list<long, boost::fast_pool_allocator<long, boost::default_user_allocator_malloc_free>>;

vector_graph g_vector_graph;
list_graph g_list_graph;
set_graph g_set_graph;
row_graph g_row_graph;
boost::adjacency_matrix<boost::undirectedS> *g_adjacency_matrix;
ublas::vector<double> g_ublas_vector(8);
ublas::matrix<double> g_ublas_matrix(8, 8);
ublas::mapped_matrix<double> g_mapped_matrix(4000000, 16);
ublas::compressed_matrix<double> g_compressed_matrix(100, 100);
space g_rtree;
std::vector<ring_of_points> g_polygons;
ring_of_points g_polygon;
ranked g_ranked;
composite g_composite;
lru g_lru;
list_bimap g_list_bimap;
tree_of_values g_recursive = std::map<std::string, tree_of_values>();
pooled_list g_pooled_list;
boost::icl::interval_set<long> g_interval_set;
boost::icl::split_interval_map<long, int> g_split_map;
boost::ptr_set<item> g_ptr_set;
boost::ptr_multimap<int, item> g_ptr_multimap;
boost::ptr_circular_buffer<item> g_ptr_ring(1 << 17);
boost::ptr_array<std::vector<std::string>, 4> g_ptr_array;
bi::splay_set<spread> g_splay_set;
bi::treap_set<heaped> g_treap_set;
turns g_turns;
numbers g_numbers;
bc::multiset<std::string> g_multiset;
bc::flat_multiset<long> g_flat_multiset;
boost::unordered_multiset<std::string> g_unordered_multiset;
boost::unordered_map<int, boost::unordered_map<int, std::string>> g_nested;
bc::pmr::unsynchronized_pool_resource g_pool;
bc::pmr::vector<bc::pmr::vector<int>> g_pmr_vectors(&g_pool);
bc::pmr::map<int, std::string> g_pmr_map(&g_pool);
boost::signals2::signal<void(int)> g_signal;
std::vector<boost::function<long(long)>> g_functions;
boost::shared_ptr<std::string[]> g_shared_array;
boost::asio::streambuf g_streambuf;
boost::beast::flat_buffer g_flat_buffer;
boost::beast::multi_buffer g_multi_buffer;
bc::static_vector<std::vector<std::string>, 4> g_static_vector;
boost::unordered_map<std::string, tree_of_values> g_values;

struct cache {
	int hits;
	std::list<std::pair<std::string, std::string>> turn;
	boost::unordered_map<std::string, std::list<std::pair<std::string, std::string>>::iterator> places;
	void put(const std::string &key)
	{
		turn.emplace_front(key, key);
		places[key] = turn.begin();
	}
};
cache g_cache;
boost::shared_ptr<cache> g_shared_cache = boost::make_shared<cache>();

struct here {
	int first;
	vector_graph graph;
	space tree;
	lru turns;
	tree_of_values values = std::vector<tree_of_values>();
};

static void add_row(long i)
{
	if (i % 100 != 0)
		return;
	std::vector<std::pair<int, int>> edges;
	for (int k = 0; k < 40 * i + 10; k++)
		edges.emplace_back(k, k / 2);
	g_row_graph = row_graph(boost::edges_are_unsorted, edges.begin(), edges.end(), (size_t)(40 * i + 11));
}

static void add_matrix(long i)
{
	if (i % 100 != 0)
		return;
	delete g_adjacency_matrix;
	g_adjacency_matrix = new boost::adjacency_matrix<boost::undirectedS>((size_t)(8 + i / 2));
}

static void keep(long number, int)
{
	(void)number;
}

#define INTO(WHAT) \
	auto &into = (WHAT); \
	into
template <class GRAPH> void add_vertex_and_edge(GRAPH &graph, const std::string &name)
{
	auto one = add_vertex(graph);
	graph[one].name = name;
	add_edge(*vertices(graph).first, one, graph);
}

GLOBAL(g_vector_graph, num_vertices(g_vector_graph), add_vertex_and_edge(g_vector_graph, text(i)));
GLOBAL(g_list_graph, num_vertices(g_list_graph), add_vertex_and_edge(g_list_graph, text(i)));
GLOBAL(g_set_graph, num_vertices(g_set_graph), add_edge((size_t)i, (size_t)i / 2, g_set_graph));
GLOBAL(g_row_graph, num_vertices(g_row_graph), add_row(i));
GLOBAL(g_adjacency_matrix, num_vertices(*g_adjacency_matrix), add_matrix(i));
GLOBAL(g_ublas_vector, g_ublas_vector.size(), if (i % 100 == 0) g_ublas_vector.resize((size_t)(8 + 100 * i)));
GLOBAL(g_ublas_matrix, g_ublas_matrix.size1() * g_ublas_matrix.size2(),
	if (i % 100 == 0) g_ublas_matrix.resize((size_t)(8 + 10 * i), 8));
GLOBAL(g_mapped_matrix, g_mapped_matrix.nnz(), g_mapped_matrix(i % 4000000, 3) = (double)i);
GLOBAL(
	g_compressed_matrix, g_compressed_matrix.nnz(), if (i % 100 == 0) {
		g_compressed_matrix.resize((size_t)i + 100, 100, false);
		g_compressed_matrix.reserve((size_t)(40 * i + 10), false);
	});
GLOBAL(g_rtree, g_rtree.size(), g_rtree.insert({ point((double)(i * 7919 % 10007), (double)i), text(i) }));
GLOBAL(g_polygons, g_polygons.size(), ring_of_points one;
	for (int k = 0; k < 20; k++) one.outer().push_back(point(k, i)); g_polygons.push_back(one));
GLOBAL(g_polygon, g_polygon.outer().size(), g_polygon.outer().push_back(point((double)i, 1)));
GLOBAL(g_ranked, g_ranked.size(), g_ranked.emplace((int)i, text(i)));
GLOBAL(g_composite, g_composite.size(), g_composite.emplace((int)i, text(i)));
GLOBAL(g_lru, g_lru.size(), g_lru.push_front(text(i)));
GLOBAL(g_list_bimap, g_list_bimap.size(), g_list_bimap.left.insert(list_bimap::left_value_type(text(i), (int)i)));
GLOBAL(g_recursive, (boost::get<std::map<std::string, tree_of_values>>(g_recursive).size()),
	(boost::get<std::map<std::string, tree_of_values>>(g_recursive)[text(i)] = text(i)));
GROWS(g_pooled_list, "g_pooled_list|singleton_pool", g_pooled_list, g_pooled_list.size(), g_pooled_list.push_back(i));
GLOBAL(g_interval_set, boost::icl::interval_count(g_interval_set),
	g_interval_set += boost::icl::interval<long>::right_open(3 * i, 3 * i + 1));
GLOBAL(g_split_map, boost::icl::interval_count(g_split_map),
	g_split_map += std::make_pair(boost::icl::interval<long>::right_open(3 * i, 3 * i + 2), 1));
GLOBAL(g_ptr_set, g_ptr_set.size(), g_ptr_set.insert(new item((int)i, text(i))));
GLOBAL(g_ptr_multimap, g_ptr_multimap.size(), int key = (int)i / 2; g_ptr_multimap.insert(key, new item(key, text(i))));
GLOBAL(g_ptr_ring, g_ptr_ring.size(), g_ptr_ring.push_back(new item((int)i, text(i))));
GLOBAL(g_ptr_array, g_ptr_array[2].size(),
	if (g_ptr_array.is_null(2)) g_ptr_array.replace(2, new std::vector<std::string>());
	g_ptr_array[2].push_back(text(i)));
GLOBAL(g_splay_set, g_splay_set.size(), g_splay_set.insert(*new spread(i * 7919 % 1000003)));
GLOBAL(g_treap_set, g_treap_set.size(), g_treap_set.insert(*new heaped(i)));
GROWS(g_turns, "g_turns|g_numbers", g_turns, g_turns.size(), two_ways *one = new two_ways(i); g_turns.push_back(*one);
	g_numbers.insert(*one));
GLOBAL(g_multiset, g_multiset.size(), g_multiset.insert(text(i / 2)));
GLOBAL(g_flat_multiset, g_flat_multiset.size(), g_flat_multiset.insert(i));
GLOBAL(g_unordered_multiset, g_unordered_multiset.size(), g_unordered_multiset.insert(text(i / 2)));
GLOBAL(g_nested, g_nested.size(), g_nested[(int)i / 20][(int)i % 20] = text(i));
GROWS(g_pmr_vectors, "g_pmr_vectors|g_pool", g_pmr_vectors, g_pmr_vectors.size(),
	g_pmr_vectors.emplace_back(20, (int)i));
GROWS(g_pmr_map, "g_pmr_map|g_pool", g_pmr_map, g_pmr_map.size(), g_pmr_map[(int)i] = text(i));
GLOBAL(g_signal, g_signal.num_slots(), g_signal.connect([i](int value) { keep(i, value); }));
GLOBAL(g_functions, g_functions.size(), std::string kept = text(i);
	g_functions.push_back([kept](long value) { return value + (long)kept.size(); }));
GLOBAL(
	g_shared_array, -1,
	if (i % 200 == 0) { g_shared_array = boost::make_shared<std::string[]>((size_t)i + 200, text(i)); });
GLOBAL(g_streambuf, -1, std::string one = text(i); g_streambuf.sputn(one.data(), (long)one.size()));
GLOBAL(g_flat_buffer, -1, g_flat_buffer.prepare(100); g_flat_buffer.commit(100));
GLOBAL(g_multi_buffer, -1, g_multi_buffer.prepare(5000); g_multi_buffer.commit(5000));
GLOBAL(g_static_vector, g_static_vector.size(), if (g_static_vector.empty()) g_static_vector.resize(3);
	g_static_vector[1].push_back(text(i)));
GLOBAL(g_values, g_values.size(), std::vector<tree_of_values> two(2, tree_of_values((int)i)); g_values[text(i)] = two);
GROWS(cache, "g_cache", g_cache, -1, g_cache.put(text(i)));
GROWS(shared_cache, "g_shared_cache", g_shared_cache, -1, g_shared_cache->put(text(i)));
GROWS(local_graph, "here.graph", *here, num_vertices(here->graph), add_vertex_and_edge(here->graph, text(i)));
GROWS(local_tree, "here.tree", *here, here->tree.size(),
	here->tree.insert({ point((double)(i * 7919 % 10007), (double)i), text(i) }));
GROWS(local_turns, "here.turns", *here, here->turns.size(), here->turns.push_front(text(i)));
GROWS(local_values, "here.values", *here, boost::get<std::vector<tree_of_values>>(here->values).size(),
	boost::get<std::vector<tree_of_values>>(here->values).push_back(text(i)));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
