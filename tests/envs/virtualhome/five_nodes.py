"""A home of five things in two rooms, made by hand."""


def node(id, name, category="placable_objects", properties=(), states=()):
    return {
        "id": id,
        "class_name": name,
        "category": category,
        "properties": list(properties),
        "states": list(states),
    }


def edge(from_id, relation, to_id):
    return {"from_id": from_id, "relation_type": relation, "to_id": to_id}


NODES = [
    node(1, "kitchen", "Rooms"),
    node(2, "bedroom", "Rooms"),
    node(3, "doorjamb", "Doors"),
    node(65, "character", "Characters"),
    node(10, "fridge", "Appliances", ["CAN_OPEN", "CONTAINERS"], ["CLOSED", "PLUGGED_IN"]),
    node(11, "milk", properties=["GRABBABLE", "DRINKABLE"], states=["CLEAN"]),
    node(12, "table", "Furniture", ["SURFACES"]),
    node(13, "cup", properties=["GRABBABLE", "RECIPIENT"]),
    node(14, "water", properties=["DRINKABLE"]),
]
EDGES = [
    edge(3, "BETWEEN", 1),
    edge(3, "BETWEEN", 2),
    *(edge(id, "INSIDE", 1) for id in (65, 10, 11)),
    *(edge(id, "INSIDE", 2) for id in (12, 13, 14)),
    edge(11, "INSIDE", 10),
    edge(13, "ON", 12),
    edge(14, "INSIDE", 13),
]


def graph(nodes=(), edges=()):
    """The home with further nodes and edges; a node replaces the one of its id."""
    by_id = {each["id"]: each for each in [*NODES, *nodes]}
    return {"nodes": list(by_id.values()), "edges": [*EDGES, *edges]}
