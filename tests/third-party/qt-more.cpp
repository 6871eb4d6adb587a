// SPDX-License-Identifier: LGPL-2.1-or-later
// More of Qt's containers: see third-party.h.
#include <QByteArrayList>
#include <QCache>
#include <QContiguousCache>
#include <QHash>
#include <QJsonDocument>
#include <QJsonObject>
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
#include <QLinkedList>
#endif
#include <QList>
#include <QMap>
#include <QObject>
#include <QQueue>
#include <QScopedPointer>
#include <QSet>
#include <QSharedPointer>
#include <QStack>
#include <QStandardPaths>
#include <QStringList>
#include <QUrl>
#include <QVariant>
#include <QVarLengthArray>
#include <QVector>

#include "third-party.h"

static QString qtext(long i)
{
	return QString::fromStdString(text(i));
}

struct item {
	int number;
	QString name;
};

QMultiMap<int, QString> g_multimap;
QStringList g_string_list;
QByteArrayList g_byte_array_list;
QQueue<QString> g_queue;
QStack<QString> g_stack;
QCache<int, QString> g_cache(100000000);
QContiguousCache<QString> g_contiguous_cache(1 << 17);
QList<QSharedPointer<item>> g_shared_list;
QMap<QString, QSharedPointer<item>> g_shared_map;
QHash<QString, item *> g_pointers;
QVector<item> g_items;
QVariantList g_variant_list;
QVariantHash g_variant_hash;
QSet<int> g_set;
QObject *g_object = new QObject();
QVarLengthArray<QString, 8> g_var_length;
QJsonObject g_json;
QHash<int, QVector<int>> g_vectors;
QMap<int, int> g_small_map;
QList<int> g_small_list;
QVector<double> g_doubles;
QVariant g_variant = QVariantMap();

struct members {
	int first;
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
	QLinkedList<QByteArray> linked;
#endif
	QMap<QString, QVariant> settings;
	QHash<QString, QStringList> lists;
	QStringList strings;
};
members *g_behind = new members();

static QMap<int, QString> &mapped()
{
	static QMap<int, QString> s_map;
	return s_map;
}

thread_local QHash<int, QString> t_hash;

struct here {
	int first;
	QMap<int, QString> map;
	QStringList strings;
	QVector<QString> vector;
};

GLOBAL(g_multimap, g_multimap.size(), g_multimap.insert((int)i / 2, qtext(i)));
GLOBAL(g_string_list, g_string_list.size(), g_string_list << qtext(i));
GLOBAL(g_byte_array_list, g_byte_array_list.size(), g_byte_array_list << QByteArray(90, 'b'));
GLOBAL(g_queue, g_queue.size(), g_queue.enqueue(qtext(i)));
GLOBAL(g_stack, g_stack.size(), g_stack.push(qtext(i)));
GLOBAL(g_cache, g_cache.size(), g_cache.insert((int)i, new QString(qtext(i))));
GLOBAL(g_contiguous_cache, g_contiguous_cache.size(), g_contiguous_cache.append(qtext(i)));
GLOBAL(g_shared_list, g_shared_list.size(), g_shared_list << QSharedPointer<item>(new item{ (int)i, qtext(i) }));
GLOBAL(g_shared_map, g_shared_map.size(),
	g_shared_map[qtext(i)] = QSharedPointer<item>::create(item{ (int)i, qtext(i) }));
GLOBAL(g_pointers, g_pointers.size(), g_pointers[qtext(i)] = (new item{ (int)i, qtext(i) }));
GLOBAL(g_items, g_items.size(), g_items.append(item{ (int)i, qtext(i) }));
GLOBAL(g_variant_list, g_variant_list.size(), g_variant_list << QVariant(qtext(i)));
GLOBAL(g_variant_hash, g_variant_hash.size(), g_variant_hash[qtext(i)] = (int)i);
GLOBAL(g_set, g_set.size(), g_set.insert((int)i));
GLOBAL(g_object, g_object->children().size(), (new QObject(g_object))->setObjectName(qtext(i)));
GLOBAL(g_var_length, g_var_length.size(), g_var_length.append(qtext(i)));
GLOBAL(g_json, g_json.size(), g_json[QString("k%1").arg(i, 9, 10, QChar('0'))] = (double)i);
GLOBAL(g_vectors, g_vectors.size(), g_vectors[(int)i].resize(20));
GLOBAL(g_small_map, g_small_map.size(), g_small_map[(int)i] = (int)i);
GLOBAL(g_small_list, g_small_list.size(), g_small_list << (int)i);
GLOBAL(g_doubles, g_doubles.size(), g_doubles << (double)i);
GLOBAL(g_variant, (*(QVariantMap *)g_variant.data()).size(), (*(QVariantMap *)g_variant.data())[qtext(i)] = (int)i);
#if QT_VERSION < QT_VERSION_CHECK(6, 0, 0)
GROWS(linked, "g_behind->linked", g_behind, g_behind->linked.size(), g_behind->linked.append(QByteArray(90, 'l')));
#endif
GROWS(settings, "g_behind->settings", g_behind, g_behind->settings.size(), g_behind->settings[qtext(i)] = qtext(i));
GROWS(lists, "g_behind->lists", g_behind, g_behind->lists.size(),
	g_behind->lists[qtext(i)] << qtext(i) << qtext(i + 1));
GROWS(strings, "g_behind->strings", g_behind, g_behind->strings.size(), g_behind->strings << qtext(i));
GROWS(s_map, "s_map", mapped(), mapped().size(), mapped()[(int)i] = qtext(i));
GROWS(t_hash, "t_hash", t_hash, t_hash.size(), t_hash[(int)i] = qtext(i));
GROWS(local_map, "here.map", *here, here->map.size(), here->map[(int)i] = qtext(i));
GROWS(local_strings, "here.strings", *here, here->strings.size(), here->strings << qtext(i));
GROWS(local_vector, "here.vector", *here, here->vector.size(), here->vector << qtext(i));

int main(int argc, char **argv)
{
	here here;
	return third_party_run(argc, argv, &here);
}
