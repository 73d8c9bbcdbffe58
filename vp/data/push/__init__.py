"""The push world: a simulated arm that pushes coloured objects in a bin, filmed at an angle. Data set `push`.

    scene, shapes    which objects there are and where, their colour, mass and friction
    physics          how they move (pymunk)
    path             a line drawn on a frame as actions
    policy           what the arm does: reach and push, or wander
    arm, camera      positions of the joints, and their projection into the frame
    floor, paint, solids, draw    rendering (OpenCV)
    episode          all of these together: seed -> frames, labels, actions and contacts
    pool             episodes kept in a file
    source           the data set: mini-batches
    make             python -m vp.data.push.make: pool files and contact sheets

`import vp.data` loads none of it but `source`; pymunk is needed only where episodes are made, not where they are read.
Lengths are in half widths of the bin, unless px are stated.
"""
