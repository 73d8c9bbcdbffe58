"""The push world: a simulated arm that pushes coloured objects about in a bin, filmed at an angle. Data set `push`.

    scene, shapes    what lies where, of what colour, mass and friction
    physics          how it moves (pymunk)
    path             a line drawn on a frame as actions
    policy           what the arm does: reach and push, or wander
    arm, camera      where the joints are, and where that is in the picture
    floor, paint, solids, draw    the pictures (OpenCV)
    episode          all of these together: a seed in, frames, labels, actions and contacts out
    pool             episodes made once and kept in a file
    source           the data set: mini-batches
    make             python -m vp.data.push.make: pool files and contact sheets

`import vp.data` loads none of it but `source`; pymunk is needed only where episodes are made, not where they are read.
"""
