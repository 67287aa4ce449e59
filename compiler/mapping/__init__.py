"""The mapper: tile sizes of a layer and stage, chosen from estimates and explained."""
